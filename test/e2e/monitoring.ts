/**
 * The board and the alerts of docs/monitoring/ against a page of metrics, and that page against the rules of
 * Prometheus.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { familyOf, metricFamilies, metricFaults } from '../support/prometheus.js'

const folder = fileURLToPath(new URL('../../docs/monitoring/', import.meta.url))
const alertFile = `${folder}alerts.yml`

/** Names of metrics in an expression; `up` is Prometheus's own. */
const metricNames = /\b(?:hearsay|process|nodejs)_\w+/g

interface AlertRules {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string; readonly alert: string }[] }[]
}

interface Board {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[]
}

/** Expressions of board and alerts, each with its place. */
function expressions(): [place: string, expression: string][] {
  const rules = parse(readFileSync(alertFile, 'utf8')) as AlertRules
  const board = JSON.parse(readFileSync(`${folder}grafana.json`, 'utf8')) as Board
  return [
    ...rules.groups.flatMap((group) => group.rules.map(({ alert, expr }) => [alert, expr] as [string, string])),
    ...board.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as [string, string])),
  ]
}

/** Faults of a page of metrics, and of what docs/monitoring/ asks of it. */
export function monitoringFaults(page: string): string[] {
  const families = metricFamilies(page)
  const asked = expressions().flatMap(([place, expression]) =>
    [...expression.matchAll(metricNames)].map(([name]) => [place, name] as const),
  )
  if (asked.length < 40) throw new Error(`only ${asked.length} names were found in docs/monitoring/`)
  const missing = asked.filter(([, name]) => familyOf(name, families) === undefined)
  return [...metricFaults(families), ...missing.map(([place, name]) => `${place}: there is no ${name}`)]
}

/**
 * Verdict of promtool on the page and on the alerts: nothing when it finds no fault; undefined where it is not
 * installed.
 */
export function promtoolVerdict(page: string): string | undefined {
  const metrics = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' })
  if (metrics.error !== undefined) return undefined
  const rules = spawnSync('promtool', ['check', 'rules', alertFile], { encoding: 'utf8' })
  const ok = rules.status === 0 && metrics.status === 0
  return ok ? metrics.stderr : `${metrics.stderr}${rules.stderr}${rules.stdout}`
}

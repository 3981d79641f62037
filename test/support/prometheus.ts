/** A page of metrics as Prometheus reads it, and the naming rules of `promtool check metrics`. */

/** One family of a page. */
export interface MetricFamily {
  readonly name: string
  readonly help: string | undefined
  readonly type: string
  /** Names of the labels of its series. */
  readonly labels: ReadonlySet<string>
  /** Series with their values, as they stand on the page. */
  readonly series: ReadonlyMap<string, number>
}

const seriesLine = /^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/
const suffixes = ['_bucket', '_sum', '_count']

/**
 * Families of a page in the text format, by name. Throws for a line that is not of the format, or belongs to no family.
 */
export function metricFamilies(page: string): Map<string, MetricFamily> {
  const found = new Map<string, { -readonly [K in keyof MetricFamily]: MetricFamily[K] }>()
  const family = (name: string) => {
    const known = found.get(name) ?? { name, help: undefined, type: 'untyped', labels: new Set(), series: new Map() }
    found.set(name, known)
    return known
  }
  for (const line of page.split('\n').filter((one) => one !== '')) {
    const [, kind, name, text] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (kind === 'HELP') family(name!).help = text
    else if (kind === 'TYPE') family(name!).type = text!
    else addSeries(line, found as Map<string, MetricFamily>)
  }
  return found as Map<string, MetricFamily>
}

function addSeries(line: string, families: ReadonlyMap<string, MetricFamily>): void {
  const { name, labels, value } = seriesLine.exec(line)?.groups ?? {}
  if (name === undefined) throw new Error(`not a line of the text format: ${line}`)
  const family = familyOf(name, families)
  if (family === undefined) throw new Error(`a series without a type: ${line}`)
  for (const [, label] of (labels ?? '').matchAll(/(?:^|,)([a-zA-Z_]\w*)="(?:[^"\\]|\\.)*"/g)) {
    ;(family.labels as Set<string>).add(label!)
  }
  const series = labels === undefined ? name : `${name}{${labels}}`
  if (family.series.has(series)) throw new Error(`twice on one page: ${series}`)
  ;(family.series as Map<string, number>).set(series, value === 'Nan' ? Number.NaN : Number(value))
}

/** Family of the series with a name; undefined where there is none. */
export function familyOf(name: string, families: ReadonlyMap<string, MetricFamily>): MetricFamily | undefined {
  const suffix = suffixes.find((one) => name.endsWith(one)) ?? ''
  const histogram = families.get(name.slice(0, name.length - suffix.length))
  return suffix !== '' && histogram?.type === 'histogram' ? histogram : families.get(name)
}

/** Units that are not base units, and abbreviations of units: a name ends in seconds, bytes, ratio. */
const unitsToAvoid =
  /_(?:milliseconds?|ms|microseconds?|us|nanoseconds?|ns|minutes?|hours?|days?|kilobytes?|kb|mb|gb|bits?|secs?|s|b|percent|celsius|kelvin)(?:_|$)/

/** First words of a help text that begins with a clause. */
const clause = /^(?:What|Whether|How|Which|When|Where|Who|If)\b/

/** Faults that promtool would find, and help texts that begin with neither noun nor verb. */
export function metricFaults(families: ReadonlyMap<string, MetricFamily>): string[] {
  return [...families.values()].flatMap((family) => faultsOf(family).map((fault) => `${family.name}: ${fault}`))
}

function faultsOf({ name, help, type, labels }: MetricFamily): string[] {
  const isCounter = type === 'counter'
  const isGrouped = type === 'histogram' || type === 'summary'
  const rules: [boolean, string][] = [
    [help === undefined || help === '' || help === 'undefined', 'no help text'],
    [clause.test(help ?? ''), 'its help text begins with a clause'],
    [type === 'untyped', 'no type'],
    [isCounter !== name.endsWith('_total'), 'a counter ends in _total, and nothing else does'],
    [!isGrouped && /_(?:count|sum|bucket)$/.test(name), 'ends like a series of a histogram'],
    [!isGrouped && (labels.has('le') || labels.has('quantile')), 'has a label of histograms'],
    [new RegExp(`_${type}(?:_|$)`).test(name), 'its type is in its name'],
    [unitsToAvoid.test(name), 'use base units: seconds, bytes'],
    [!/^[a-z][a-z0-9_]*$/.test(name), 'use snake_case without colons'],
  ]
  return rules.flatMap(([isFault, fault]) => (isFault ? [fault] : []))
}

/** Histograms, the bounds of their labels, and the rules that a page of metrics is held to. */
import { describe, expect, it } from 'vitest'
import { Answers } from '../../daemon/metrics/answers.js'
import {
  answerBounds,
  commitBounds,
  LabelledHistogram,
  SingleHistogram,
  sessionBounds,
} from '../../daemon/metrics/histogram.js'
import { counterLines, histogramLines } from '../../daemon/metrics/text.js'
import { metricFamilies, metricFaults } from '../support/prometheus.js'

describe('a histogram', () => {
  it('counts each duration in its bucket and in all above, a bound in its own', () => {
    const histogram = new SingleHistogram('x_seconds', 'Times.', [0.001, 0.01])
    for (const ms of [0, 1, 1.001, 10, 11, -5]) histogram.durations.observe(ms)
    expect(histogramLines(histogram).split('\n').slice(2, -1)).toEqual([
      'hearsay_x_seconds_bucket{le="0.001"} 3',
      'hearsay_x_seconds_bucket{le="0.01"} 5',
      'hearsay_x_seconds_bucket{le="+Inf"} 6',
      expect.stringMatching(/^hearsay_x_seconds_sum 0\.02300/),
      'hearsay_x_seconds_count 6',
    ])
  })

  it('with a label has a series for each of its values', () => {
    const histogram = new LabelledHistogram('x_seconds', 'Times.', [1], 'mode')
    histogram.observe('delta', 5)
    histogram.observe('tree', 5_000)
    histogram.observe('delta', 5)
    const { series } = metricFamilies(histogramLines(histogram)).get('hearsay_x_seconds')!
    expect(series.get('hearsay_x_seconds_bucket{mode="delta",le="1"}')).toBe(2)
    expect(series.get('hearsay_x_seconds_bucket{mode="tree",le="1"}')).toBe(0)
    expect(series.get('hearsay_x_seconds_count{mode="tree"}')).toBe(1)
  })

  it.each([answerBounds, commitBounds, sessionBounds])('has ascending bounds: %j', (...bounds: readonly number[]) => {
    expect(bounds.toSorted((a, b) => a - b)).toEqual(bounds)
    expect(new Set(bounds).size).toBe(bounds.length)
  })
})

describe('answers', () => {
  it('have as many series as the API has methods and routes, whatever clients send', () => {
    const answers = new Answers()
    for (let count = 0; count < 100; count++) answers.add(`BREW-${count}`, undefined, 404, 1)
    answers.add('other', undefined, 404, 1)
    answers.add('GET', undefined, 404, 1)
    answers.add('GET', '/v1/kv/:key', 200, 1)
    answers.add('GET', '/v1/kv/:key', 404, 1)
    expect([...answers.statuses()]).toEqual([
      { labels: 'method="other",route="(unknown)",status="404"', value: 101 },
      { labels: 'method="GET",route="(unknown)",status="404"', value: 1 },
      { labels: 'method="GET",route="/v1/kv/:key",status="200"', value: 1 },
      { labels: 'method="GET",route="/v1/kv/:key",status="404"', value: 1 },
    ])
    expect([...answers.series()].map(([labels]) => labels)).toEqual([
      'method="other",route="(unknown)"',
      'method="GET",route="(unknown)"',
      'method="GET",route="/v1/kv/:key"',
    ])
    expect(metricFaults(metricFamilies(histogramLines(answers)))).toEqual([])
  })
})

describe('the rules for metrics', () => {
  it.each([
    ['x_total', 'Things.', 'gauge', 'a counter ends in _total, and nothing else does'],
    ['x', 'Things.', 'counter', 'a counter ends in _total, and nothing else does'],
    ['x_count', 'Things.', 'gauge', 'ends like a series of a histogram'],
    ['x_milliseconds', 'Times.', 'gauge', 'use base units: seconds, bytes'],
    ['x_gauge', 'Things.', 'gauge', 'its type is in its name'],
    ['xThing', 'Things.', 'gauge', 'use snake_case without colons'],
    ['x', 'Whether it is so.', 'gauge', 'its help text begins with a clause'],
    ['x', '', 'gauge', 'no help text'],
  ])('%s, "%s", %s: %s', (name, help, type, fault) => {
    expect(metricFaults(metricFamilies(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`))).toEqual([
      `${name}: ${fault}`,
    ])
  })

  it('let a good one pass, and take no line of another form', () => {
    const page = counterLines('good', 'Good things.', [{ labels: 'name="a\\"b,c=\\"d"', value: 3 }])
    expect(metricFaults(metricFamilies(page))).toEqual([])
    expect([...metricFamilies(page).get('hearsay_good_total')!.labels]).toEqual(['name'])
    expect(() => metricFamilies('hearsay good 1')).toThrow('not a line')
    expect(() => metricFamilies('stray 1')).toThrow('without a type')
  })
})

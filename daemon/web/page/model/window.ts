/** The part of a long list that is in view. */

/** Rows beyond each edge of the view that are made too, so that fast scrolling shows no holes. */
export const overscan = 8

/** Rows to make, and the heights of what stands for the others. */
export interface RowWindow {
  readonly first: number
  readonly end: number
  readonly above: number
  readonly below: number
}

/** The window of a list at a scroll position; all sizes in pixels. */
export function rowWindow(count: number, rowHeight: number, scrollTop: number, viewHeight: number): RowWindow {
  const first = Math.min(Math.max(0, Math.floor(scrollTop / rowHeight) - overscan), Math.max(0, count - 1))
  const end = Math.min(count, Math.ceil((scrollTop + viewHeight) / rowHeight) + overscan)
  return { first, end: Math.max(first, end), above: first * rowHeight, below: Math.max(0, count - end) * rowHeight }
}

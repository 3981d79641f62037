/** News of one kind from one source: listeners are called in the order in which they were added. */

/** A source of news. */
export class Signal<News = void> {
  readonly #listeners: ((news: News) => void)[] = []

  /** Adds a listener. */
  listen(listener: (news: News) => void): void {
    this.#listeners.push(listener)
  }

  /** Calls every listener, in this turn. What one throws ends it. */
  emit(news: News): void {
    for (const listener of this.#listeners) listener(news)
  }
}

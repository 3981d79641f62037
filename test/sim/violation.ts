/** What is thrown when something is not as it must be. */

/** A fault that was found. `kind` is the same for the same fault on other ways to it. */
export class SimulationViolation extends Error {
  override readonly name = 'Violation'

  constructor(
    readonly kind: string,
    message: string,
  ) {
    super(`${kind}: ${message}`)
  }
}

/** What a deliberate bug is: a name, what is wrong in words, its edits of the production code, and who must catch it. */

/**
 * A deliberate bug of one edit. The simulator must catch it, unless `test` names a test that does: what lies beneath or above the
 * simulator (LevelDB, the daemon's settings) it cannot see. `test`: { file, isBuilt }; `isBuilt`: the test runs built daemons.
 */
export function one(name, says, file, find, replace, test) {
  return { name, says, edits: [{ file, find, replace }], ...(test !== undefined && { test }) }
}

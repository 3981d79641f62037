/**
 * What a deliberate bug is: a name, what is wrong in words, its edits of the production code, and who must catch it.
 */

/**
 * A deliberate bug of one edit. The simulator must catch it within its seeds, unless `by` names who does: `{ plan }`, a
 * plan in kept/ where seeds seldom meet it; `{ test: { file, isBuilt } }`, a test where the simulator cannot see it
 * (LevelDB, the daemon's settings); `isBuilt`: the test runs built daemons.
 */
export function one(name, says, file, find, replace, by = {}) {
  return { name, says, edits: [{ file, find, replace }], ...by }
}

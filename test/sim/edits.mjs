/** Edits of production code for one run: small limits and deliberate bugs. The sources stay clean. */

/** The text with an edit ({ file, find, replace }) in it. Throws unless it fits exactly once. */
export function edited(text, { file, find, replace }) {
  if (text.split(find).length !== 2) throw new Error(`does not fit ${file} exactly once: ${find}`)
  return text.replace(find, () => replace)
}

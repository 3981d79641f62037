/**
 * One round through an editor, for every command that edits: what is shown, what becomes of it, and what is reported.
 */
import type { Written } from '../client.js'
import type { Invocation } from '../command.js'
import { editText } from '../editor.js'
import { printable } from '../output.js'
import { reportPut } from './put.js'

/** Text to be edited. */
export interface Editing {
  readonly key: string
  readonly text: string
  /** Ending of the file's name, by which editors choose colours; empty: that of the key. */
  readonly ending: string
  /** Stores what was saved; resolves with nothing when it is as it was. */
  readonly store: (saved: Uint8Array) => Promise<Written | undefined>
}

/**
 * Opens the text, stores what was made of it and says so; a text that could not be stored is kept in its file. Returns
 * what was stored.
 */
export async function editAndStore(
  invocation: Invocation,
  { key, text, ending, store }: Editing,
): Promise<Written | undefined> {
  const edited = await editText(invocation.io, text, fileNameOf(key, ending))
  try {
    const written = await store(edited.bytes)
    await edited.discard()
    await reportEdited(invocation, key, written)
    return written
  } catch (error) {
    await invocation.output.note(`what you wrote is kept in ${edited.file}`)
    throw error
  }
}

async function reportEdited({ output, json }: Invocation, key: string, written: Written | undefined): Promise<void> {
  if (written !== undefined) return reportPut(output, written, { json, what: 'stored' })
  if (json) return output.json({ key, changed: false })
  await output.line(`${printable(key)} is unchanged`)
}

const nameCharactersMax = 40

function fileNameOf(key: string, ending: string): string {
  const name = key.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(-nameCharactersMax)
  return /^\.*$/.test(name) ? `value${ending}` : name + ending
}

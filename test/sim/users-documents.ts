/** What users do with documents; each edit sets a field that no other sets. */
import { document } from '../../store/model/address.js'
import type { Verb } from './users.js'

const bytesMax = 1 << 20

/** Verbs of documents. */
export const documentVerbs: Readonly<Record<string, Verb>> = {
  /** docset NODE KEY FIELD: sets a field of its own */
  docset: async (users, run, [key = '', field = '']) => {
    const { dot } = await run.data.documents.edit(key, { merge: { [field]: run.network.self } }, { bytesMax })
    users.documents.edited(run.network.self, dot, key, field)
  },
  /**
   * docspoil NODE KEY TEXT: a version beside what is there that no library can read, as one of a newer version may be
   */
  docspoil: (users, run, [key = '', text = '']) => {
    const value = Buffer.from(`unreadable ${text}`)
    users.documents.spoilt(value)
    return run.replica.transact((transaction) => transaction.put(document(key), value, null, []))
  },
  /** docdel NODE KEY */
  docdel: (_, run, [key = '']) => run.data.documents.delete(key, {}),
  /** docget NODE KEY: and looks whether it shows the edits that are here, and no others */
  docget: async (users, run, [key = '']) => {
    const live = run.replica.versions(document(key))
    users.documents.check(run.network.self, key, live, await run.data.documents.get(key))
  },
}

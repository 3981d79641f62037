/**
 * Tells the form of what is imported from how it starts: by its fields, never by a guess. What is none of the forms is
 * refused with a way on.
 */
import { isName, textEnd } from '../../store/model/json-names.js'

/** The forms. */
export type ImportFormat = 'jsonl' | 'consul' | 'tsv'

/** Form that the first characters of a text point to. */
export type Detection =
  | { readonly format: ImportFormat }
  /** Refusal of what is none of the forms: the reason, and what helps. */
  | { readonly refusal: string }
  /** More of it is needed. */
  | 'more'

const choose = 'If it is one of the forms after all, name it: --format jsonl, consul or tsv'

const convert = 'write its entries as JSON lines, {"key": …, "value": …}, or as lines of key, tab, value'

/** Starts of files of bytes, each with what helps. */
const magics: readonly (readonly [start: string, help: string])[] = [
  ['\x1f\x8b', 'it is compressed: gunzip -c FILE | hearsay import -'],
  ['\x28\xb5\x2f\xfd', 'it is compressed: zstd -dc FILE | hearsay import -'],
  ['\xfd7zXZ\0', 'it is compressed: xz -dc FILE | hearsay import -'],
  ['BZh91AY&SY', 'it is compressed: bzip2 -dc FILE | hearsay import -'],
  ['PK\x03\x04', 'it is a ZIP archive: unzip -p FILE | hearsay import -'],
  ['\x89HSB\r\n', 'it is a backup of a whole node: hearsay restore FILE'],
  ['REDIS00', `it is a dump of Redis (RDB): ${convert}`],
  ['SQLite format 3\0', `it is a database of SQLite: ${convert}`],
  ['PGDMP\x01', `it is a dump of PostgreSQL: ${convert}`],
]

const utf16 = 'it is UTF-16: iconv -f UTF-16 -t UTF-8 FILE | hearsay import -'

/** The longest of them. */
const magicBytesMax = 16

/**
 * Reason to refuse bytes that start with the mark of UTF-16, whichever form is named; undefined when there is no such
 * mark.
 */
export function refuseUtf16(start: Buffer): string | undefined {
  const mark = start.subarray(0, 2).toString('hex')
  return mark === 'fffe' || mark === 'feff' ? utf16 : undefined
}

/**
 * Judges a start.
 * @param start without a byte order mark of UTF-8
 * @param isWhole no more of it will be looked at
 */
export function detect(start: Buffer, isWhole: boolean): Detection {
  if (start.length < magicBytesMax && !isWhole) return 'more'
  const bytes = start.subarray(0, magicBytesMax).toString('latin1')
  const known = magics.find(([magic]) => bytes.startsWith(magic))
  const refusal = refuseUtf16(start) ?? (hasZeros(start) ? utf16 : known?.[1])
  if (refusal !== undefined) return { refusal: `${refusal}. ${choose}` }
  const text = start.toString('utf8')
  const first = /\S/.exec(text)
  if (first === null) return isWhole ? { format: 'jsonl' } : 'more'
  if (first[0] === '{') return detectObject(text, first.index, isWhole)
  if (first[0] === '[') return detectArray(text, first.index, isWhole)
  return detectLine(text, first.index, isWhole)
}

/** Latin text in UTF-16 has a zero in every second byte. */
function hasZeros(start: Buffer): boolean {
  return start.length >= 4 && ((start[0] === 0 && start[2] === 0) || (start[1] === 0 && start[3] === 0))
}

function detectLine(text: string, at: number, isWhole: boolean): Detection {
  const line = lineAt(text, at)
  if (line.includes('\t')) return { format: 'tsv' }
  if (!isWhole && at + line.length === text.length) return 'more'
  if (/^(--|\/\*|create |insert |drop |set )/i.test(line)) return refuse(`its first line looks like SQL: ${convert}`)
  if (line.startsWith('<')) return refuse(`it looks like XML or HTML: ${convert}`)
  const hint = line.includes(',') ? '; if it is comma-separated, write a tab in place of the first comma' : ''
  return refuse(`its first line is no JSON object and has no tab between key and value${hint}`)
}

function lineAt(text: string, at: number): string {
  return text.slice(at).split('\n', 1)[0]!
}

function detectObject(text: string, at: number, isWhole: boolean): Detection {
  const { names, isClosed } = topNames(text, at)
  if (isConsul(names)) return { format: 'consul' }
  const isEnough = isClosed || isWhole
  // The fields of an entry of Consul may be on their way.
  if (names.includes('key') && (isEnough || names.some((name) => !consulFields.includes(name))))
    return { format: 'jsonl' }
  if (!isEnough) return 'more'
  const program = programOf(names)
  if (program !== undefined) return refuse(program)
  if (lineAt(text, at).includes('\t') && names.length === 0)
    return refuse('it begins with { and has a tab, and is no JSON')
  return refuse(`its first object has no 'key'${listed(names)}`)
}

function detectArray(text: string, at: number, isWhole: boolean): Detection {
  const next = /\S/.exec(text.slice(at + 1))
  if (next === null) return isWhole ? refuse('it is a JSON array that ends before its first entry') : 'more'
  const inside = at + 1 + next.index
  if (next[0] === ']') return { format: 'consul' }
  if (next[0] !== '{') {
    const isTabbed = lineAt(text, at).includes('\t')
    const what = isTabbed ? 'it begins with [ and has a tab' : 'it is a JSON array, but not of objects'
    return refuse(`${what}, so it is no export of Consul`)
  }
  const { names, isClosed } = topNames(text, inside)
  if (isConsul(names)) return { format: 'consul' }
  if (!isClosed && !isWhole) return 'more'
  const program = programOf(names)
  if (program !== undefined) return refuse(program)
  const help = names.includes('key')
    ? ': one object a line makes it JSON lines (jq -c .[] FILE | hearsay import -)'
    : ''
  return refuse(
    `it is a JSON array, but no export of Consul, whose entries have 'key', 'flags' and 'value'${listed(names)}${help}`,
  )
}

/** The fields of `consul kv export`. */
const consulFields: readonly string[] = ['key', 'flags', 'value']

/** True if it can be nothing else: values in base64 and values as text look alike. */
function isConsul(names: readonly string[]): boolean {
  return names.includes('key') && names.includes('flags')
}

/** Messages for the output of other programs, by the field names of their first object. */
function programOf(names: readonly string[]): string | undefined {
  if (names.includes('Key') && names.includes('Value')) {
    return "it is an answer of Consul's HTTP API: take what `consul kv export` prints"
  }
  if (names.includes('kvs')) {
    return `it is an answer of etcd: jq -c '.kvs[] | {key: (.key | @base64d), value, encoding: "base64"}' FILE | hearsay import -`
  }
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? '' : ` (it has ${names.slice(0, 5).join(', ')})`
}

function refuse(reason: string): Detection {
  return { refusal: `${reason}. ${choose}` }
}

/** The names of the object that begins at `at`, its own ones alone, as far as the text goes. */
function topNames(text: string, at: number): { readonly names: readonly string[]; readonly isClosed: boolean } {
  const names: string[] = []
  let depth = 0
  for (let here = at; here < text.length; here++) {
    const character = text[here]!
    if (character === '"') {
      const end = textEnd(text, here)
      if (depth === 1 && isName(text, end)) names.push(text.slice(here + 1, end - 1))
      here = end - 1
    } else if (character === '{' || character === '[') depth++
    else if ((character === '}' || character === ']') && --depth === 0) return { names, isClosed: true }
  }
  return { names, isClosed: false }
}

/**
 * The types of data that users see, one descriptor each: what each is called, and how it shows in listings, exports,
 * the change feed and batches. Plain data.
 */
import type { KnownType, Type, UnknownType } from '../../store/model/types.js'

/** Descriptor of a type of data, for daemon, client and command line. */
export interface DataType {
  /** Noun for one item of the type, in texts for people. */
  readonly noun: string
  /** Name in JSON of the part that its addresses have beside the key; null if they have none. */
  readonly part: 'member' | 'field' | null
  /** The operations of a batch that write it. */
  readonly operations: readonly string[]
  /** True if the change feed shows the value of a put; of the others it names the key alone. */
  readonly showsValueInFeed: boolean
  /** True if concurrent puts become siblings that a user settles. */
  readonly hasSiblings: boolean
}

/** The tag of a type that this version knows. `sys` holds the mesh's own records, which users do not see. */
export type DataTypeTag = Exclude<KnownType, 'sys'>
/** The tag of a type in JSON, which may be one of a later version. */
export type TypeTag = DataTypeTag | UnknownType

/** Every type by its tag, in the order in which they are listed. */
export const dataTypes = {
  reg: {
    noun: 'value',
    part: null,
    operations: ['put', 'del'],
    showsValueInFeed: true,
    hasSiblings: true,
  },
  ctr: {
    noun: 'counter',
    part: null,
    operations: ['counter.incr'],
    showsValueInFeed: false,
    hasSiblings: false,
  },
  set: {
    noun: 'set',
    part: 'member',
    operations: ['set.add', 'set.rm'],
    showsValueInFeed: true,
    hasSiblings: false,
  },
  map: {
    noun: 'map',
    part: 'field',
    operations: ['map.put', 'map.rm'],
    showsValueInFeed: true,
    hasSiblings: true,
  },
  doc: {
    noun: 'document',
    part: null,
    operations: [],
    showsValueInFeed: false,
    hasSiblings: false,
  },
} as const satisfies Readonly<Record<DataTypeTag, DataType>>

/** The descriptor of a type; undefined for one of a later version, and for the mesh's own records. */
export function dataTypeOf(tag: Type): DataType | undefined {
  return Object.hasOwn(dataTypes, tag) ? dataTypes[tag as DataTypeTag] : undefined
}

/** The tags of all types, in the order in which they are listed. */
export const dataTypeTags = Object.keys(dataTypes) as readonly DataTypeTag[]
/** The tags of the types whose siblings a user settles. */
export type SiblingsTag = {
  [Tag in DataTypeTag]: (typeof dataTypes)[Tag]['hasSiblings'] extends true ? Tag : never
}[DataTypeTag]
/** The operations of a batch, over all types. */
export type OperationName = (typeof dataTypes)[DataTypeTag]['operations'][number]

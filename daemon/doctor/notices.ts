/** Warnings of the parts of a node as findings: which check each belongs to, how bad it is, and its remedy. */
import type { Finding } from '../../protocols/api/doctor.js'
import type { Notice } from '../../store/replica/warnings.js'

interface Kind {
  readonly check: string
  readonly level: 'warn' | 'fail'
  readonly remedy: string | null
}

const diskRemedy = 'check the disk (dmesg, smartctl -a) and its free space; hearsay goes on by itself once writes work'

/** Every matter that a part warns about. `null` as remedy: the text says all, or nothing is to be done. */
const kinds: Readonly<Record<string, Kind>> = {
  settings: { check: 'settings', level: 'warn', remedy: 'see what is in effect, and from where: hearsay config' },
  resolver: { check: 'resolvers', level: 'warn', remedy: 'correct the module, then restart the daemon' },
  files: { check: 'store', level: 'warn', remedy: diskRemedy },
  'disk-failed': { check: 'store', level: 'fail', remedy: diskRemedy },
  unchecked: { check: 'store', level: 'warn', remedy: diskRemedy },
  failed: { check: 'store', level: 'fail', remedy: diskRemedy },
  verify: { check: 'store', level: 'fail', remedy: diskRemedy },
  'damaged-row': { check: 'store', level: 'warn', remedy: 'a disk that does this again is failing: smartctl -a' },
  damage: { check: 'store', level: 'warn', remedy: 'a disk that does this again is failing: smartctl -a' },
  trim: { check: 'store', level: 'warn', remedy: diskRemedy },
  runs: { check: 'members', level: 'warn', remedy: 'find out which member is started over and over, or is not yours' },
  identity: { check: 'identity', level: 'warn', remedy: null },
  clash: { check: 'identity', level: 'warn', remedy: null },
  rival: {
    check: 'identity',
    level: 'warn',
    remedy: 'find the copy of this data directory that runs elsewhere, and give it a name of its own',
  },
  forgotten: {
    check: 'identity',
    level: 'fail',
    remedy: 'save what only this node has (hearsay export), then join with a new --data directory',
  },
  join: { check: 'members', level: 'warn', remedy: 'check that the inviting node runs and can be reached from here' },
  clock: { check: 'clocks', level: 'warn', remedy: 'turn on time synchronisation (timedatectl set-ntp true)' },
  'future-times': { check: 'clocks', level: 'warn', remedy: null },
  names: {
    check: 'names',
    level: 'warn',
    remedy: 'start one of them with another --name; until then use peer ids: hearsay members --json',
  },
  rules: { check: 'resolvers', level: 'warn', remedy: 'give both the same resolvers: hearsay config' },
}

/** The finding of a warning; one of a matter that is not known here is shown as it is. */
export function noticeFinding({ about, text }: Notice): Finding {
  const kind = Object.hasOwn(kinds, about) ? kinds[about]! : { check: about, level: 'warn' as const, remedy: null }
  return { level: kind.level, check: kind.check, text, remedy: kind.remedy }
}

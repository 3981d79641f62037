/** What the system refuses: told by its code and with the remedy that fits, wherever it comes from. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hearsayError, problemOf } from '../../daemon/http/problem.js'
import { silentLog } from '../../daemon/log/log.js'
import { DiskRecovery, diskTryMs, diskTryMsMax, proveDisk } from '../../daemon/node/disk-recovery.js'
import { makePrivateFolder } from '../../daemon/private-files.js'
import { HearsayError } from '../../store/errors.js'
import type { KvChange } from '../../store/kv.js'
import { LevelStore } from '../../store/level.js'
import { MemoryStore } from '../../store/memory.js'
import { register } from '../../store/model/address.js'
import { systemCodeOf, systemFailure, systemRemedy } from '../../store/system-errors.js'
import { openNode } from '../support/replicas.js'
import { StillEnvironment } from '../support/still-environment.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearsay-system-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** The error as LevelDB's binding throws it. */
function levelError(reason: string): Error {
  const cause = new Error(`IO error: /data/store/000012.log: ${reason}`)
  return new Error('Database failed to write', { cause })
}

describe('the code of the system', () => {
  it.each([
    ['ENOSPC', 'No space left on device', /full/],
    ['EDQUOT', 'Disk quota exceeded', /quota/],
    ['EMFILE', 'Too many open files', /ulimit -n/],
    ['ENFILE', 'Too many open files in system', /file-max/],
    ['EIO', 'Input/output error', /another disk/],
    ['EROFS', 'Read-only file system', /writable/],
    ['EACCES', 'Permission denied', /user/],
    ['EFBIG', 'File too large', /ulimit -f/],
  ])('%s is found in what LevelDB says, and has its own remedy', (code, reason, remedy) => {
    expect(systemCodeOf(levelError(reason))).toBe(code)
    expect(systemRemedy(code)).toMatch(remedy)
  })

  it('is that of Node’s own errors, also as a cause, and of no other error', () => {
    const own = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', errno: -13, syscall: 'open' })
    expect(systemCodeOf(new Error('outer', { cause: own }))).toBe('EACCES')
    expect(systemCodeOf(Object.assign(new Error('x'), { code: 'ERR_INVALID_CHAR' }))).toBeUndefined()
    expect(systemCodeOf(new Error('nothing: Permission denied here'))).toBeUndefined()
    expect(systemCodeOf('Permission denied')).toBeUndefined()
  })

  it('makes an error of the API that says what to do, in place of a defect', () => {
    try {
      readFileSync(join(folder, 'absent', 'file'))
    } catch (error) {
      const problem = problemOf(hearsayError(error))
      expect(problem).toMatchObject({ code: 'SYSTEM_FAILED', status: 503, system: 'ENOENT' })
      expect(problem.detail).toMatch(/ENOENT.*absent.*; .+/)
    }
    expect(systemFailure(new TypeError('a defect'))).toBeUndefined()
    expect(hearsayError(new TypeError('a defect')).code).toBe('INTERNAL')
  })
})

describe('a store that fails', () => {
  it('while writing says why, and what fits: in the answer, and to its operator', async () => {
    class FailingStore extends MemoryStore {
      isFull = false
      override write(changes: readonly KvChange[], options: { readonly sync: boolean }): Promise<void> {
        return this.isFull ? Promise.reject(levelError('No space left on device')) : super.write(changes, options)
      }
    }
    const store = new FailingStore()
    const node = await openNode('a', { store })
    store.isFull = true
    const put = () => node.replica.transact((turn) => turn.put(register('k'), Buffer.from('v'), null, []))
    for (let round = 0; round < 2; round++) {
      await expect(put()).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringMatching(/ENOSPC.*unknown.*free space/),
        details: { system: 'ENOSPC' },
      })
    }
    expect(node.replica.warnings.all().join()).toMatch(/ENOSPC.*free space/)
  })

  it('at its opening says why, and what fits', async () => {
    writeFileSync(join(folder, 'file'), '')
    const opening = LevelStore.open(join(folder, 'file', 'store'))
    await expect(opening).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/ENOTDIR.*move it away/),
      details: { system: 'ENOTDIR' },
    })
  })
})

describe('a disk that failed', () => {
  function recovery(prove: () => Promise<void>, mayRestart = () => true) {
    const environment = new StillEnvironment()
    const asked: string[] = []
    const options = { dataDirectory: folder, environment, log: silentLog, mayRestart, prove }
    const disk = new DiskRecovery({ ...options, onRestartNeeded: (reason) => asked.push(reason) })
    const pass = async (ms: number) => {
      environment.pass(ms)
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    }
    return { disk, asked, pass }
  }

  it('is tried at growing intervals; once it takes writes a new start is asked for, and only once', async () => {
    let tries = 0
    const { disk, asked, pass } = recovery(async () => {
      if (++tries < 9) throw new HearsayError('STORE_FAILED', 'still full')
    })
    expect(disk.warning).toBeUndefined()
    disk.failed()
    disk.failed()
    expect(disk.warning).toContain('restarts by itself')
    for (let pauseMs = diskTryMs, round = 1; round < 9; round++, pauseMs = Math.min(2 * pauseMs, diskTryMsMax)) {
      await pass(pauseMs - 1)
      expect(tries).toBe(round - 1)
      await pass(1)
      expect(tries).toBe(round)
    }
    expect(asked).toEqual([])
    await pass(diskTryMsMax)
    expect(asked).toHaveLength(1)
    await pass(10 * diskTryMsMax)
    expect(asked).toHaveLength(1)
    expect(tries).toBe(9)
  })

  it('again and again is not followed more often than is allowed: until then the node stays up, read-only', async () => {
    let isAllowed = false
    const { disk, asked, pass } = recovery(
      async () => {},
      () => isAllowed,
    )
    disk.failed()
    await pass(diskTryMs)
    expect(asked).toEqual([])
    isAllowed = true
    await pass(diskTryMsMax)
    expect(asked).toHaveLength(1)
  })

  it('is not tried any more once the daemon stops', async () => {
    let tries = 0
    const { disk, pass } = recovery(async () => void tries++)
    disk.failed()
    disk.stop()
    await pass(diskTryMsMax)
    expect(tries).toBe(0)
  })

  it('is proven by bytes that it takes durably, and nothing of them stays', async () => {
    await proveDisk(folder)
    expect(() => readFileSync(join(folder, 'disk.proof'))).toThrow(/ENOENT/)
    await expect(proveDisk(join(folder, 'absent'))).rejects.toThrow(/ENOENT/)
  })
})

describe('a data directory', () => {
  it('is made with what is above it, for its owner alone', () => {
    makePrivateFolder(join(folder, 'a', 'b', 'c'))
    makePrivateFolder(join(folder, 'a', 'b', 'c'))
    writeFileSync(join(folder, 'file'), '')
    for (const path of [join(folder, 'file'), join(folder, 'file', 'x')]) {
      expect(() => makePrivateFolder(path)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }))
    }
  })

  it('that cannot be made is refused at once, also where the system says for ever that it is not there', () => {
    for (const path of ['/proc/nothing/there', '/proc/self/fd/none/there/either']) {
      expect(() => makePrivateFolder(path)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }))
    }
  })
})

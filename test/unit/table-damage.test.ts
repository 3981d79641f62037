/**
 * Damage that only a restart can repair: marked on the disk first, then the start is asked for, once; and not for ever.
 */
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../daemon/log/log.js'
import { TableDamage } from '../../daemon/node/table-damage.js'
import { RestartBudget, restartsMax, restartWindowMs } from '../../daemon/restart-budget.js'

describe('damage in the files of the store', () => {
  function make(mark: () => Promise<void>) {
    const told: string[] = []
    const opened = {
      salvageAtNextStart: async () => {
        await mark()
        told.push('marked')
      },
    }
    const damage = new TableDamage({ opened, log: silentLog, onRestartNeeded: (reason) => told.push(reason) })
    return { damage, told }
  }

  it('asks for a new start once the mark is on the disk, and once only', async () => {
    const { damage, told } = make(async () => {})
    expect(damage.warning).toBeUndefined()
    await Promise.all([damage.found(), damage.found()])
    await damage.found()
    expect(told).toEqual(['marked', damage.warning])
    expect(damage.warning).toContain('restarts')
  })

  it('asks for none that would not repair anything, and says what to do', async () => {
    const { damage, told } = make(() => Promise.reject(new Error('ENOSPC')))
    await damage.found()
    expect(told).toEqual([])
    expect(damage.warning).toContain('check disk space and health, then restart the daemon')
  })
})

describe('new starts', () => {
  it('are counted within a window, so that a disk that fails again and again is left to its operator', () => {
    let nowMs = 5
    const budget = new RestartBudget(() => nowMs)
    for (let restart = 0; restart < restartsMax; restart++, nowMs += 1000) expect(budget.take()).toBe(true)
    expect(budget.take()).toBe(false)
    nowMs = 5 + restartWindowMs
    expect(budget.take()).toBe(true)
    expect(budget.take()).toBe(false)
  })
})

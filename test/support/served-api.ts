/** The HTTP API over fakes, without a socket: a new one for each test of a file. */
import { Compile } from 'typebox/compile'
import { afterEach, beforeEach, expect } from 'vitest'
import { createApi } from '../../daemon/http/app.js'
import type { Api } from '../../daemon/http/services.js'
import type { statusShape } from '../../protocols/api/mesh.js'
import { RefusalLog } from './declared-errors.js'
import { type FakeServices, fakeServices } from './fake-daemon.js'

/** Options of the API of a test file. */
export interface ServedOptions {
  /** `values-max-bytes` of the daemon; 1KiB when absent. */
  readonly valuesMaxBytes?: string
  /** The real types in memory in place of the fakes. */
  readonly isReal?: boolean
}

/** API for the tests of one file; its fields belong to the present test. */
export class ServedApi {
  services!: FakeServices
  api!: Api

  /**
   * Makes an API before each test of the file that calls it, and closes it afterwards; whatever was refused must be
   * refused with a code of the contract.
   */
  constructor({ valuesMaxBytes = '1KiB', isReal = false }: ServedOptions = {}) {
    const refusals = new RefusalLog()
    beforeEach(async () => {
      this.services = await fakeServices({ 'values-max-bytes': valuesMaxBytes }, refusals.log)
      this.api = await createApi(isReal ? { ...this.services, ...this.services.real.services() } : this.services)
    })
    afterEach(async () => {
      await this.api.close()
      expect(refusals.undeclared(), 'codes that protocols/api does not list').toEqual([])
    })
  }

  /** Goes on with other services. */
  async replace(services: FakeServices): Promise<void> {
    this.services = services
    await this.api.close()
    this.api = await createApi(services)
  }

  readonly get = (url: string) => this.api.inject({ url })

  readonly post = (url: string, payload?: object | string) =>
    this.api.inject({ method: 'POST', url, ...(payload === undefined ? {} : { payload }) })
}

/** True if a value has a shape of the API. */
export function fits(shape: object, value: unknown): boolean {
  return Compile(shape as typeof statusShape).Check(value)
}

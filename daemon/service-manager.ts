/** Tells systemd, or whoever else set NOTIFY_SOCKET, that the daemon is ready or stopping. */
import { execFile } from 'node:child_process'

/**
 * Sends one state, such as `READY=1`. Does nothing without NOTIFY_SOCKET. Node has no Unix datagrams: systemd's own
 * helper sends it, so the unit must have NotifyAccess=all. Resolves whether it was sent.
 */
export function notifyServiceManager(state: string, environment: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  if (!environment.NOTIFY_SOCKET) return Promise.resolve(false)
  return new Promise((resolve) => {
    const options = { env: environment, timeout: 2_000 }
    execFile('systemd-notify', ['--no-block', state], options, (error) => resolve(error === null))
  })
}

/** Signing in and out: a link is exchanged for a cookie once, a token is kept for this tab. */
import { secretOf } from '../model/places.js'
import { ApiFailure, call, keepToken } from './api.js'
import { startLive, stopLive } from './live.js'

/**
 * Takes the secret out of the address, so that it is in no history, and signs in with it. Returns why that failed, or
 * null.
 */
export async function signInByAddress(): Promise<string | null> {
  const secret = secretOf(location.hash)
  if (secret !== null) history.replaceState(null, '', `${location.pathname}#/mesh`)
  const failure = secret === null ? null : await signInWith(secret)
  // An earlier sign-in of this browser may still be good.
  startLive()
  return failure
}

/** Signs in with a token. */
export function signInByToken(token: string): void {
  keepToken(token)
  startLive()
}

/** Signs out: the cookie ends, the token is forgotten. */
export async function signOut(): Promise<void> {
  keepToken(null)
  await call('/session', { method: 'DELETE' }).catch(() => {})
  stopLive()
}

async function signInWith(secret: { link: string } | { token: string }): Promise<string | null> {
  if ('token' in secret) {
    keepToken(secret.token)
    return null
  }
  try {
    keepToken(null)
    await call('/session', { method: 'POST', json: { link: secret.link } })
    return null
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 401)
      return 'This link has been used already, or is older than five minutes.'
    return error instanceof Error ? error.message : String(error)
  }
}

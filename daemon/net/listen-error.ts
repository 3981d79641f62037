/** Turns libp2p's failure to listen into an error that names the address and the remedy. */
import { HearsayError } from '../../store/errors.js'

/**
 * The user's error behind a failed start: PORT_IN_USE for a taken port, BAD_CONFIG for an address that this machine
 * does not have or may not use. Anything else is returned as it is.
 */
export function listenError(error: unknown, listen: readonly string[]): Error {
  const text = error instanceof Error ? error.message : String(error)
  const unresolved = /(?:ENOTFOUND|EAI_AGAIN) (\S+)/.exec(text)?.[1]
  if (unresolved !== undefined) {
    const message = `the name ${unresolved} cannot be looked up; choose an address of this machine with --listen, and name others with --announce`
    return new HearsayError('BAD_CONFIG', message, { address: unresolved }, { cause: error })
  }
  const found = /(EADDRINUSE|EADDRNOTAVAIL|EACCES)[^\n]*?((?:[0-9a-fA-F.:]*[0-9a-fA-F:])?:\d+)\s*$/m.exec(text)
  const code = found?.[1] ?? /EADDRINUSE|EADDRNOTAVAIL|EACCES/.exec(text)?.[0]
  const address = found?.[2] ?? listen.join(', ')
  const cause = { cause: error }
  if (code === 'EADDRINUSE') {
    const remedy = 'stop the program that uses it, or choose another with --listen (tcp/0 picks a free port)'
    return new HearsayError('PORT_IN_USE', `the address ${address} is in use; ${remedy}`, { address }, cause)
  }
  if (code === 'EADDRNOTAVAIL') {
    const remedy = 'choose one of its own with --listen, and name the others with --announce'
    return new HearsayError(
      'BAD_CONFIG',
      `this machine does not have the address ${address}; ${remedy}`,
      { address },
      cause,
    )
  }
  if (code === 'EACCES') {
    const remedy = 'choose a port above 1023 with --listen'
    return new HearsayError('BAD_CONFIG', `this user may not listen on ${address}; ${remedy}`, { address }, cause)
  }
  // Whatever else is wrong with an address: libp2p says so with a stack in its message.
  if (error instanceof Error && error.name === 'UnsupportedListenAddressesError') {
    const [reason = text] = /Error: [^\n]+/.exec(text) ?? []
    const message = `none of ${listen.join(', ')} can be listened on (${reason}); choose others with --listen`
    return new HearsayError('BAD_CONFIG', message, { address }, cause)
  }
  return error instanceof Error ? error : new Error(text)
}

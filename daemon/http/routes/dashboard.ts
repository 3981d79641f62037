/** The dashboard: the files of its page, and the sign-in of browsers. */
import { dashboard, dashboardFiles } from '../../../protocols/api/dashboard.js'
import { HearsayError } from '../../../store/errors.js'
import { isoTime } from '../../views/value-json.js'
import type { WebFile } from '../../web/files.js'
import { takeSignIn } from '../body.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import { type AnyRequest, type ApiServices, headerOf } from '../services.js'
import { endedCookie, sessionCookie, sessionOf } from '../sign-in/cookie.js'
import type { SignIn } from '../sign-in/sign-in.js'

type FileHandler = Handler<(typeof dashboardFiles)[keyof typeof dashboardFiles]>

const fileOf =
  (choose: (services: ApiServices) => WebFile): FileHandler =>
  (_request, reply, services) => {
    const { body, headers } = choose(services)
    return reply.headers(headers).send(body)
  }

/** The page and its files. */
export const dashboardFileRoutes: RouteGroup<typeof dashboardFiles> = {
  endpoints: dashboardFiles,
  handlers: {
    getDashboard: fileOf(({ web }) => web.page),
    getDashboardScript: fileOf(({ web }) => web.script),
    getDashboardStyle: fileOf(({ web }) => web.style),
  },
}

const makeDashboardLink: Handler<typeof dashboard.makeDashboardLink> = async (request, reply, { signIn }) => {
  const base = addressFor(request, signIn)
  if (base === undefined) {
    const message =
      'no browser can reach this daemon: start it with --api 127.0.0.1:0, or set `api` in its configuration'
    throw new HearsayError('NO_TCP_API', message)
  }
  const { secret, expiresAtMs } = signIn.makeLink()
  reply.header('Cache-Control', 'no-store')
  return { url: `${base}/#link=${secret}`, expires: isoTime(expiresAtMs) }
}

/** The address that the asker used, which the guard has looked at; for one on the Unix socket that of this machine. */
function addressFor(request: AnyRequest, { url }: SignIn): string | undefined {
  const isTcp = request.raw.socket?.localPort !== undefined
  return isTcp ? `http://${headerOf(request, 'host')}` : url
}

const signIn: Handler<typeof dashboard.signIn> = (request, reply, services) => {
  const secret = services.signIn.redeem(request.body.link)
  if (secret === undefined) {
    throw new HearsayError('BAD_LINK', 'this link was used before, or has expired; `hearsay dashboard` makes another')
  }
  reply.header('Set-Cookie', sessionCookie(request.raw, secret))
}

const signOut: Handler<typeof dashboard.signOut> = (request, reply, services) => {
  const secret = sessionOf(request.raw)
  if (secret !== undefined) services.signIn.signOut(secret)
  reply.header('Set-Cookie', endedCookie(request.raw))
}

/** The sign-in of browsers. */
export const dashboardRoutes: RouteGroup<typeof dashboard> = {
  endpoints: dashboard,
  bodies: takeSignIn,
  handlers: { makeDashboardLink, signIn, signOut },
}

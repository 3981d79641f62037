/** The dashboard: its page and the files of it, and how a browser signs in. */
import Type from 'typebox'
import { noQuery } from './common.js'
import { type Endpoint, json, nothing, type Shape, sent } from './endpoint.js'
import { strict, time } from './parts.js'
import { routes } from './routes.js'

/** A link that opens the dashboard, once. */
export const linkShape = Type.Object({
  url: Type.String({ description: 'The secret is in its fragment, which no browser sends and no log keeps.' }),
  expires: time,
})
/** A link that opens the dashboard, once. */
export type DashboardLink = Shape<typeof linkShape>
/** The secret of a link. */
export const signInBody = Type.Object({ link: Type.String({ minLength: 1, maxLength: 128 }) }, strict)

const file = { summary: null, query: null, answer: sent(null), errors: null } as const

/** The page of the dashboard and its files: the same for everybody, and without any data. */
export const dashboardFiles = {
  getDashboard: { route: routes.getDashboard, ...file },
  getDashboardScript: { route: routes.getDashboardScript, ...file },
  getDashboardStyle: { route: routes.getDashboardStyle, ...file },
} as const satisfies Readonly<Record<string, Endpoint>>

/** The endpoints with which a browser signs in. */
export const dashboard = {
  makeDashboardLink: {
    route: routes.makeDashboardLink,
    summary: 'Makes a link that opens the dashboard, once, in the next minutes; keep it secret',
    query: noQuery,
    answer: json(linkShape),
    errors: ['NO_TCP_API'],
  },
  signIn: {
    route: routes.signIn,
    summary: 'Signs a browser in with the secret of a link: sets a cookie',
    query: noQuery,
    body: json(signInBody),
    answer: nothing,
    errors: ['BAD_LINK'],
  },
  signOut: {
    route: routes.signOut,
    summary: 'Signs a browser out',
    query: noQuery,
    answer: nothing,
    errors: [],
  },
} as const satisfies Readonly<Record<string, Endpoint>>

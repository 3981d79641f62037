/** The dashboard: the files of its page, and the sign-in of browsers. */
import { dashboardFiles } from '../../../protocols/api/dashboard.js'
import type { WebFile } from '../../web/files.js'
import type { Handler, RouteGroup } from '../endpoints.js'
import type { ApiServices } from '../services.js'

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

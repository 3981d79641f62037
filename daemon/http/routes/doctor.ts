/** The doctor: what is wrong with this node and its mesh, and what to do about it. */
import { doctor } from '../../../protocols/api/doctor.js'
import { examine } from '../../doctor/examine.js'
import type { Handler, RouteGroup } from '../endpoints.js'

const diagnose: Handler<typeof doctor.diagnose> = async (request, _reply, services) => {
  return { findings: await examine(services, request.query.peer) }
}

/** The route of the doctor. */
export const doctorRoutes: RouteGroup<typeof doctor> = { endpoints: doctor, handlers: { diagnose } }

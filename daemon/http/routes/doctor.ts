/** The doctor: what is wrong with this node and its mesh, and what to do about it. */
import { doctor } from '../../../protocols/api/doctor.js'
import { examine } from '../../doctor/examine.js'
import { AddressTries } from '../../doctor/tries.js'
import type { Handler, RouteGroup } from '../endpoints.js'

/** The route of the doctor. */
export function doctorRoutes(): RouteGroup<typeof doctor> {
  const tries = new AddressTries()
  const diagnose: Handler<typeof doctor.diagnose> = async (request, _reply, services) => {
    return { findings: await examine(services, tries, request.query.peer) }
  }
  return { endpoints: doctor, handlers: { diagnose } }
}

/** What befalls processes, their clocks and their disks. */
import { ofNode, type SiteVerb } from './site.js'

/** Verbs of processes, clocks and disks. */
export const processVerbs: Readonly<Record<string, SiteVerb>> = {
  /** start NODE */
  start: ({ roster }, [name = '']) => roster.startSoon(name),
  /** crash NODE [reset]: loses power; with reset its peers see their connections break, else they notice its silence */
  crash: ofNode(async ({ disks }, node, [how]) => {
    if (node.run !== undefined) await disks.crash(node, how === 'reset')
  }),
  /** stop NODE: ends in order */
  stop: ofNode((site, node) => {
    if (node.run?.isServing === true && node.isAwake)
      node.stop().catch((error: unknown) => site.expectHearsayError(error))
  }),
  /** jump NODE MS: its wall clock jumps */
  jump: ofNode((_, node, [ms]) => {
    node.clock.offsetMs = (node.clock.offsetMs ?? 0) + Number(ms)
  }),
  /** rotate NODE: takes a new actor id */
  rotate: ofNode((_, { run, isAwake }) => {
    if (run?.isVerified === true && isAwake) run.replica.runs.end()
  }),
  /** sync NODE PEER: opens a session now */
  sync: ofNode((_, { run, isAwake }, [peer = '']) => {
    if (run?.isServing === true && isAwake) void run.protocols.scheduler.syncNow(peer)
  }),
  /** fail NODE before/after: its next write fails, before or after it took effect */
  fail: ofNode((_, { run, disk }, [time]) => {
    if (run?.isServing === true) disk.failNext(time === 'after' ? 'after' : 'before')
  }),
  /** image NODE: keeps a copy of its disk */
  image: ofNode(({ disks }, node) => disks.keepImage(node)),
  /** rollback NODE: puts the copy in place of its disk */
  rollback: ofNode(({ disks }, node) => disks.rollback(node)),
  /** flip NODE SALT: bits of some rows flip */
  flip: ofNode(({ disks }, node, [salt]) => disks.spoil(node, 'flip', Number(salt))),
  /** lose NODE SALT: some rows are gone, while the node is off */
  lose: ofNode(({ disks }, node, [salt]) => disks.spoil(node, 'lose', Number(salt))),
}

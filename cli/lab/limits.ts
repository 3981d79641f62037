/** Every limit of the lab, by name. */

/** Nodes of one lab: up to here a mesh connects every node with every other. */
export const nodesMax = 16
/** Nodes of a lab when no number is given. */
export const nodesDefault = 5
/** Rules for slow links that hold at once. */
export const slowRulesMax = 16
/** The longest delay of a slow link in one direction, in milliseconds. */
export const delayMsMax = 60_000
/** The highest loss of a slow link, in percent: of a link that loses more, nothing comes through. */
export const lossPercentMax = 90
/** The slowest and the fastest rate of a slow link, in bytes a second. */
export const rateMin = 128
export const rateMax = 1024 ** 3

/** Bytes of a script. */
export const scriptBytesMax = 1024 * 1024
/** Lines of a script. */
export const scriptLinesMax = 10_000
/** Keys that one `fill` of a script writes. */
export const fillKeysMax = 1_000_000
/** Time for which an expectation on a read is checked again until it holds, in milliseconds. */
export const expectationMs = 10_000
/** Bytes of one output that a script compares. */
export const outputBytesMax = 64 * 1024 * 1024

/** Bytes of the line with which a connection to the switch begins. */
export const requestLineBytesMax = 256
/** Longest wait for that line, in milliseconds. */
export const requestLineMs = 5_000
/** Connections that the switch carries or holds at once; more are refused. */
export const connectionsMax = 4_096
/** Bytes of a connection that is held while its link is cut: the start of a handshake. */
export const heldBytesMax = 64 * 1024
/** Bytes on their way in one direction of one connection before its sender is held up. */
export const bytesOnTheWayMax = 256 * 1024

/** Longest wait until a process of the lab is ready, in milliseconds. */
export const readyMsMax = 60_000
/** Longest wait until the nodes are equal after a heal, in milliseconds, when the command does not name one. */
export const equalMsDefault = 60_000
/** Longest wait for the orderly end of a node, in milliseconds; the daemon itself gives up sooner. */
export const stopMsMax = 10_000
/** Longest wait until a killed process is gone, in milliseconds. */
export const killMsMax = 5_000
/** Longest wait for an answer of the switch, in milliseconds. */
export const switchAnswerMs = 5_000
/** Interval at which a file or a process is looked at, in milliseconds. */
export const filePollMs = 15
/** Interval at which the nodes are asked for their state, in milliseconds. */
export const statusPollMs = 60
/** Longest pause of the statement `wait` of a script, in milliseconds. */
export const pauseMsMax = 600_000
/** Characters of a log that are shown when a process did not start. */
export const lastWordsCharacters = 400

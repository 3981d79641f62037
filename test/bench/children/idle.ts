/** A process that does nothing: its event loop shows how late the machine itself makes one. */
setInterval(() => {}, 1_000)
process.on('disconnect', () => process.exit(0))

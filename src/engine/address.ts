/** Where the engine listens: a Unix socket, or plain TCP for `DOCKER_HOST=tcp://…`. */
export type EngineAddress = { socketPath: string } | { host: string; port: number }

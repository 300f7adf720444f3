/** The measurement of a program that sends one request again and again over kept connections. */
export type RequestsPlan = {
  host: string
  port: number
  path: string
  /** The connections use them in turns: the server bounds the requests of one token in a second. */
  tokens: readonly string[]
  connections: number
  /** Of counting, after a shorter time that is not counted. */
  milliseconds: number
}

/** What the service answers with an error status instead of running a function. */
export class Refused extends Error {
  readonly status: number
  /** `TooManyRequestsException` */
  readonly type: string

  constructor(status: number, type: string, message: string) {
    super(message)
    this.status = status
    this.type = type
  }
}

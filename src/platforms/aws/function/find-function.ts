/** The function of a stage, known by its tags: one of somebody else is never touched, and told apart by name. */
import type { GetFunctionCommandOutput } from '@aws-sdk/client-lambda'
import { ThampiError } from '../../../errors.ts'
import type { Corner } from '../account.ts'
import { ifThere } from '../client/trouble.ts'

/** Undefined where there is none. @throws ThampiError NAME_TAKEN for one that is not ours */
export async function findFunction({
  cloud,
  names,
  key,
}: Corner): Promise<GetFunctionCommandOutput | undefined> {
  const lambda = await cloud.lambda()
  const found = await ifThere(lambda.getFunction({ FunctionName: names.function }))
  const owner = found?.Tags?.['thampi:project']
  if (found === undefined || (owner === key.model && found.Tags?.['thampi:stage'] === key.stage)) return found
  if (owner === undefined && found.Configuration?.Handler === handlerOfZappa)
    throw ofZappa(names.function, key.stage)
  throw new ThampiError('NAME_TAKEN', {
    message: `The function ${names.function} is there already, and it is not one of ${key.model}, stage ${key.stage}.`,
    why:
      owner === undefined
        ? 'It was not made by this version of thampi.'
        : `It belongs to ${owner}, stage ${found.Tags?.['thampi:stage']}: upper case, \`_\` and \`-\` do not count in names of functions.`,
    fix: 'choose another "project_name", or delete that function if nobody needs it',
  })
}

/** Whatever Zappa deployed starts here, and with it what the original of 2018 did. */
const handlerOfZappa = 'handler.lambda_handler'

/** Taking it over would put our code behind an API that sends it other paths, and end what answers now: so it is left alone. */
function ofZappa(name: string, stage: string): ThampiError {
  return new ThampiError('NAME_TAKEN', {
    message: `The function ${name} was deployed by the original of 2018, or by Zappa, and is not taken over.`,
    why: 'It is left as it is, and its URL goes on answering.',
    fix: `choose another "project_name" and let callers move; then, with the tool that made it: zappa undeploy ${stage}`,
  })
}

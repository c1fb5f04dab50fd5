/** What is left in the services: the answer to "was everything cleaned up?". */
import { type Answer, type Moto, type Question, textsOf } from './moto.ts'

/** One line for each thing, sorted. */
export async function resourcesOf(moto: Moto, regions: readonly string[]): Promise<readonly string[]> {
  const lines = await Promise.all([
    bucketsOf(moto),
    rolesOf(moto),
    recordsOf(moto),
    ...regions.flatMap(region => [
      apisOf(moto, region),
      ofRest(moto, region, '/restapis', 'rest api'),
      ofRest(moto, region, '/apikeys', 'key'),
      ofRest(moto, region, '/usageplans', 'usage plan'),
      domainsOf(moto, region),
      logGroupsOf(moto, region),
      schedulesOf(moto, region),
    ]),
  ])
  return lines.flat().sort()
}

async function bucketsOf(moto: Moto): Promise<string[]> {
  const get = async (path: string): Promise<string> =>
    (await moto.ask('s3', 'us-east-1', { method: 'GET', path })).body.toString()
  const buckets = textsOf(await get('/'), 'Name')
  const inside = buckets.map(async bucket => [
    `s3 bucket ${bucket}`,
    ...new Set(textsOf(await get(`/${bucket}?versions`), 'Key').map(key => `s3 object ${bucket}/${key}`)),
    ...textsOf(await get(`/${bucket}?uploads`), 'Key').map(key => `s3 upload ${bucket}/${key}`),
  ])
  return (await Promise.all(inside)).flat()
}

async function rolesOf(moto: Moto): Promise<string[]> {
  const body = 'Action=ListRoles&Version=2010-05-08'
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const { body: xml } = await moto.ask('iam', 'us-east-1', { method: 'POST', path: '/', headers, body })
  return textsOf(xml.toString(), 'RoleName').map(role => `iam role ${role}`)
}

async function apisOf(moto: Moto, region: string): Promise<string[]> {
  const { items } = await listed<{ items: { name: string }[] }>(moto, 'apigateway', region, {
    method: 'GET',
    path: '/v2/apis',
  })
  return items.map(({ name }) => `apigateway api ${name}`)
}

async function ofRest(moto: Moto, region: string, path: string, what: string): Promise<string[]> {
  const question = { method: 'GET', path }
  const { item } = await listed<{ item: { name: string }[] }>(moto, 'apigateway', region, question)
  return item.map(({ name }) => `apigateway ${what} ${name}`)
}

async function domainsOf(moto: Moto, region: string): Promise<string[]> {
  const { items } = await listed<{ items: { domainName: string }[] }>(moto, 'apigateway', region, {
    method: 'GET',
    path: '/v2/domainnames',
  })
  return items.map(({ domainName }) => `apigateway domain ${domainName}`)
}

/** Without those that every zone has. */
async function recordsOf(moto: Moto): Promise<string[]> {
  const get = async (path: string): Promise<string> =>
    (await moto.ask('route53', 'us-east-1', { method: 'GET', path })).body.toString()
  const zones = textsOf(await get('/2013-04-01/hostedzone'), 'Id')
  const inside = zones.map(async id => {
    const xml = await get(`/2013-04-01${id.replace(/^\/?(hostedzone)?\/?/, '/hostedzone/')}/rrset`)
    const types = textsOf(xml, 'Type')
    return textsOf(xml, 'Name').map((name, i) => `route53 record ${name} ${types[i]}`)
  })
  return (await Promise.all(inside)).flat().filter(line => !/ (NS|SOA)$/.test(line))
}

async function logGroupsOf(moto: Moto, region: string): Promise<string[]> {
  const { logGroups } = await listed<{ logGroups: { logGroupName: string }[] }>(moto, 'logs', region, {
    method: 'POST',
    path: '/',
    headers: {
      'x-amz-target': 'Logs_20140328.DescribeLogGroups',
      'content-type': 'application/x-amz-json-1.1',
    },
    body: '{}',
  })
  return logGroups.map(({ logGroupName }) => `logs group ${logGroupName}`)
}

async function schedulesOf(moto: Moto, region: string): Promise<string[]> {
  const { Schedules } = await listed<{ Schedules: { Name: string }[] }>(moto, 'scheduler', region, {
    method: 'GET',
    path: '/schedules',
  })
  return Schedules.map(({ Name }) => `scheduler schedule ${Name}`)
}

async function listed<T>(moto: Moto, service: string, region: string, question: Question): Promise<T> {
  const { status, body }: Answer = await moto.ask(service, region, question)
  if (status !== 200) throw new Error(`moto cannot list ${service}: ${status} ${body}`)
  return JSON.parse(body.toString()) as T
}

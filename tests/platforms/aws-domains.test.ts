/** A domain of the user's for the API of a stage on the platform aws: its name, what it leads to, and its record. */
import { request } from 'node:http'
import {
  ApiGatewayV2Client,
  CreateApiCommand,
  CreateApiMappingCommand,
  CreateDomainNameCommand,
  CreateStageCommand,
} from '@aws-sdk/client-apigatewayv2'
import {
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  Route53Client,
} from '@aws-sdk/client-route-53'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../src/engine.ts'
import { info } from '../../src/info.ts'
import type { Deployment } from '../../src/platforms/platform.ts'
import { status as statusOf } from '../../src/status.ts'
import { undeploy } from '../../src/undeploy.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { printedPolicy, projectsOn } from '../support/aws-project.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(() => cloud.close())

const { told, project, served } = projectsOn(() => cloud)
const certificate_arn = 'arn:aws:acm:eu-central-1:123456789012:certificate/abc'
const keys = { domain: 'iris.example.com', certificate_arn, base_path: 'flowers' }

/** The zone of example.com, as its owner made it once; gives its id. */
async function makeZone(): Promise<string> {
  const made = await new Route53Client(cloud.client).send(
    new CreateHostedZoneCommand({ Name: 'example.com', CallerReference: 'once' }),
  )
  return made.HostedZone?.Id ?? ''
}

/** What somebody gets who follows the record: the door of the cloud stands for where API Gateway answers. */
function askAt(url: string, body: string): Promise<{ status: number; body: string }> {
  const { host, pathname } = new URL(url)
  return new Promise((done, fail) => {
    const sent = request(cloud.url, { method: 'POST', path: pathname, headers: { host } }, response => {
      let text = ''
      response.on('data', piece => {
        text += piece
      })
      response.on('end', () => done({ status: response.statusCode ?? 0, body: text }))
    })
    sent.on('error', fail).end(body)
  })
}

const left = async () => (await cloud.resources()).filter(line => /domain|record/.test(line))

describe('a domain', () => {
  let engine: Engine
  let deployment: Deployment
  let url: string
  beforeAll(async () => {
    await cloud.reset()
    await makeZone()
    engine = await project(keys)
    cloud.allowOnly(await printedPolicy(engine))
    for (const action of ['CreateDomainName', 'CreateApiMapping', 'ChangeResourceRecordSets'])
      cloud.fail({ action }, 'lost')
    deployment = await served(engine)
    url = deployment.otherAddresses?.[0]?.url ?? ''
  })

  it('answers at its name and path, has a record, and info tells it', async () => {
    expect(url).toBe('https://iris.example.com/flowers/mymodel/predict')
    const { status, body } = await askAt(url, '{"data": "rose"}')
    expect([status, JSON.parse(body)]).toMatchObject([200, { result: { got: 'rose' } }])
    expect(await left()).toEqual(['apigateway domain iris.example.com', 'route53 record iris.example.com. A'])
    expect(await info('dev', engine)).toMatchObject({ url: deployment.url, otherAddresses: [{ url }] })
    expect(await statusOf('dev', engine)).toMatchObject({ url: deployment.url, domain: url })
  })

  it('changes nothing when it is served again as it is', async () => {
    cloud.forget()
    expect(await served(engine)).toEqual(deployment)
    expect(cloud.writing()).toEqual([])
  })

  it('leads by another path once the settings say so, and by the old one no more', async () => {
    const { otherAddresses } = await served(await project({ ...keys, base_path: 'garden' }))
    const next = 'https://iris.example.com/garden/mymodel/predict'
    expect(otherAddresses?.map(address => address.url)).toEqual([next])
    expect((await askAt(next, '{"data": 1}')).status).toBe(200)
    expect((await askAt(url, '{"data": 1}')).status).not.toBe(200)
  })

  it('goes with its record when the settings name another, and with the stage', async () => {
    const other = await project({ ...keys, domain: 'rose.example.com', base_path: undefined })
    cloud.allowOnly(await printedPolicy(engine), await printedPolicy(other))
    const { otherAddresses } = await served(other)
    expect(otherAddresses?.map(address => address.url)).toEqual(['https://rose.example.com/mymodel/predict'])
    expect(await left()).toEqual(['apigateway domain rose.example.com', 'route53 record rose.example.com. A'])
    await undeploy('dev', { removeLogs: true }, other)
    expect(await cloud.resources()).toEqual(['s3 bucket thampi-tests'])
  })
})

describe('a domain of somebody else', () => {
  it('is not taken, nor is a record; a free path of it may be used, and then it stays', async () => {
    await cloud.reset()
    const api = new ApiGatewayV2Client(cloud.client)
    const HostedZoneId = await makeZone()
    await new Route53Client(cloud.client).send(
      new ChangeResourceRecordSetsCommand({
        HostedZoneId,
        ChangeBatch: {
          Changes: [
            {
              Action: 'CREATE',
              ResourceRecordSet: {
                Name: 'lily.example.com',
                Type: 'CNAME',
                TTL: 60,
                ResourceRecords: [{ Value: 'elsewhere.example' }],
              },
            },
          ],
        },
      }),
    )
    const DomainNameConfigurations = [{ CertificateArn: certificate_arn, EndpointType: 'REGIONAL' as const }]
    const DomainName = 'iris.example.com'
    await api.send(new CreateDomainNameCommand({ DomainName, DomainNameConfigurations }))
    const { ApiId } = await api.send(new CreateApiCommand({ Name: 'theirs', ProtocolType: 'HTTP' }))
    await api.send(new CreateStageCommand({ ApiId, StageName: 'dev' }))
    await api.send(new CreateApiMappingCommand({ DomainName, ApiId, Stage: 'dev', ApiMappingKey: 'flowers' }))
    await expect(served(await project(keys))).rejects.toMatchObject({
      code: 'NAME_TAKEN',
      message: expect.stringContaining(`leads to another API already, ${ApiId}`),
    })
    await expect(served(await project({ ...keys, domain: 'lily.example.com' }))).rejects.toMatchObject({
      code: 'NAME_TAKEN',
      message: expect.stringContaining('elsewhere.example'),
    })
    const beside = await project({ ...keys, base_path: 'mine', route53_enabled: false })
    const { otherAddresses: [{ url } = { url: '' }] = [] } = await served(beside)
    expect((await askAt(url, '{"data": 1}')).status).toBe(200)
    expect(told.join()).toMatch(/iris\.example\.com is to be a CNAME of d-\w+\.execute-api\./)
    const { left: stays } = await undeploy('dev', { removeLogs: true }, beside)
    expect(stays).toContain('the domain iris.example.com, which was made by somebody else')
    expect(await left()).toEqual([
      'apigateway domain iris.example.com',
      'route53 record lily.example.com. CNAME',
    ])
  })

  it.each([
    ['no name of a host', { domain: 'https://iris.example.com/' }, 'no name of a host'],
    ['no certificate', { certificate_arn: undefined }, '`certificate_arn`'],
    [
      'a certificate of another region',
      { certificate_arn: certificate_arn.replace('eu-central-1', 'us-east-1') },
      'in us-east-1',
    ],
    ['a REST API', { apigateway_version: 'v1' }, 'only a REST API honours'],
    ['no API', { apigateway_enabled: false, function_url_enabled: true }, 'no API'],
  ])('is refused before anything is made: %s', async (_, changes, message) => {
    await cloud.reset()
    await expect(served(await project({ ...keys, ...changes }))).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: expect.stringContaining(message),
    })
    expect((await cloud.resources()).filter(line => line.includes('function'))).toEqual([])
  })
})

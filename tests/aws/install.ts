/** Fetches what the cloud of the tests is made of, so that no test has to wait for it: `node --import tsx tests/aws/install.ts`. */
import { motoPackages } from './moto.ts'

console.log(await motoPackages())

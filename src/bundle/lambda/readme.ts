/** The page that lies beside a package: how somebody deploys it who does not use `thampi serve`. */
import type { DirectoryContents } from './directory.ts'

export function readmeOf({ made, name }: DirectoryContents): string {
  const { layers, layerArns, model, environment } = made
  const bundled = layers.map(layer => `layers/${layer.name}.zip`)
  const arns = [...layers.map(layer => `ARN_OF_${layer.name}`), ...layerArns]
  const uploads =
    model.in === 'function'
      ? []
      : [
          '',
          '## The model',
          '',
          'It is too big for the zip. The function reads it from S3, by the name of its content, and refuses anything else. Paths are',
          'relative to the directory of the saved model. The role of the function needs `s3:GetObject` for these objects.',
          '',
          '```sh',
          ...model.blobs.map(({ path, key }) => `aws s3 cp ${path} s3://${model.bucket}/${key}`),
          '```',
        ]
  return `${[
    `# ${name}`,
    '',
    'A model, packed for AWS Lambda by Thampi. `thampi-package.json` says the same for programs.',
    '',
    '| | |',
    '| --- | --- |',
    `| runtime | \`${made.runtime}\`, \`${made.architecture}\` |`,
    `| handler | \`${made.handler}\` |`,
    `| code | \`function.zip\`${bundled.length > 0 ? `, and layers in this order: ${bundled.map(file => `\`${file}\``).join(', ')}` : ''} |`,
    `| memory, time, scratch disk | ${made.memoryMb} MB, ${made.timeoutSeconds} s, ${made.ephemeralMb} MB |`,
    `| SnapStart | ${made.snapStart ? 'on published versions' : 'off'} |`,
    `| environment | ${Object.keys(environment)
      .sort()
      .map(variable => `\`${variable}\``)
      .join(', ')} (values: see the settings of the stage) |`,
    '',
    '## Deploying it by hand',
    '',
    '```sh',
    ...layers.map(
      layer =>
        `aws lambda publish-layer-version --layer-name ${layer.name} --zip-file fileb://layers/${layer.name}.zip`,
    ),
    `aws lambda create-function --function-name ${name} --role ROLE_ARN \\`,
    `  --runtime ${made.runtime} --architectures ${made.architecture} --handler ${made.handler} \\`,
    `  --zip-file fileb://function.zip${arns.length > 0 ? ` --layers ${arns.join(' ')}` : ''} \\`,
    `  --memory-size ${made.memoryMb} --timeout ${made.timeoutSeconds} --ephemeral-storage Size=${made.ephemeralMb} \\`,
    `  --snap-start ApplyOn=${made.snapStart ? 'PublishedVersions' : 'None'} --environment 'Variables={…}'`,
    '```',
    '',
    'A zip of more than 50 MB has to go through S3: `--code S3Bucket=…,S3Key=…`, for a layer `--content S3Bucket=…,S3Key=…`.',
    ...uploads,
    '',
    '## Asking it',
    '',
    'The function answers events of API Gateway (REST and HTTP), of function URLs, and direct calls:',
    '',
    '```sh',
    `aws lambda invoke --function-name ${name} --cli-binary-format raw-in-base64-out --payload '{"data": …}' answer.json`,
    '```',
  ].join('\n')}\n`
}

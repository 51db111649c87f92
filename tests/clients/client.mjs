// What AWS's JavaScript clients make of a key server: the SDK, and the AWS Encryption SDK over it. AWS_ENDPOINT_URL_KMS and the other variables of
// `bulla kms serve --dev` come from the environment; each line of the output is one thing that held.
import assert from 'node:assert/strict'
import { KMS, KMSClient, CreateKeyCommand, CreateAliasCommand, DecryptCommand, EncryptCommand, GenerateDataKeyCommand, DisableKeyCommand, ListKeysCommand } from '@aws-sdk/client-kms'
import { buildClient, CommitmentPolicy, KmsKeyringNode, getClient } from '@aws-crypto/client-node'

const endpoint = process.env.AWS_ENDPOINT_URL_KMS
const region = process.env.AWS_DEFAULT_REGION
const credentials = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY }
const settings = { endpoint, region, credentials, maxAttempts: 1 }
const held = what => console.log(what)

// --- the SDK -----------------------------------------------------------------------------------------------------------
const kms = new KMSClient(settings)
const { KeyMetadata: key } = await kms.send(new CreateKeyCommand({ Description: 'made by JavaScript' }))
await kms.send(new CreateAliasCommand({ AliasName: 'alias/javascript', TargetKeyId: key.KeyId }))
const context = { tenant: '42', purpose: 'ssn' }
const made = await kms.send(new GenerateDataKeyCommand({ KeyId: 'alias/javascript', KeySpec: 'AES_256', EncryptionContext: context }))
assert.equal(made.KeyId, key.Arn)
const opened = await kms.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob, EncryptionContext: { purpose: 'ssn', tenant: '42' } }))
assert.deepEqual(opened.Plaintext, made.Plaintext)
assert.match(opened.KeyMaterialId, /^[0-9a-f]{64}$/)
held('client-kms: a data key opens')

const refused = (name, promise) => assert.rejects(promise, error => {
  assert.equal(error.name, name)
  assert.equal(error.$metadata.httpStatusCode, 400)
  assert.equal(error.$metadata.attempts, 1)
  return true
})
await refused('InvalidCiphertextException', kms.send(new DecryptCommand({ CiphertextBlob: made.CiphertextBlob })))
await refused('NotFoundException', kms.send(new EncryptCommand({ KeyId: 'alias/nobody', Plaintext: new Uint8Array(1) })))
await kms.send(new DisableKeyCommand({ KeyId: key.KeyId }))
await refused('DisabledException', kms.send(new EncryptCommand({ KeyId: key.KeyId, Plaintext: new Uint8Array(1) })))
const stranger = new KMSClient({ ...settings, credentials: { ...credentials, secretAccessKey: 'wrong' } })
await refused('InvalidSignatureException', stranger.send(new ListKeysCommand({})))
held('client-kms: refusals are typed, and not tried again')

// --- the AWS Encryption SDK ----------------------------------------------------------------------------------------------
const { KeyMetadata: one } = await kms.send(new CreateKeyCommand({}))
const { KeyMetadata: two } = await kms.send(new CreateKeyCommand({}))
const clientProvider = getClient(KMS, { endpoint, credentials })
const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
const text = Buffer.from('nothing that anybody should read, '.repeat(1000))

const both = new KmsKeyringNode({ clientProvider, generatorKeyId: one.Arn, keyIds: [two.Arn] })
const { result: message } = await encrypt(both, text, { encryptionContext: context })
assert.equal(message.indexOf('nothing that anybody'), -1)
for (const arn of [one.Arn, two.Arn]) {
  const { plaintext, messageHeader } = await decrypt(new KmsKeyringNode({ clientProvider, keyIds: [arn] }), message)
  assert.deepEqual(plaintext, text)
  assert.equal(messageHeader.encryptionContext.tenant, '42')
}
held('client-node: a message opens with either of its keys')

await assert.rejects(decrypt(new KmsKeyringNode({ clientProvider, keyIds: [key.Arn] }), message))
const changed = Buffer.from(message)
changed[changed.length - 1] ^= 1
await assert.rejects(decrypt(both, changed))
held('client-node: another key, or a changed message, opens nothing')

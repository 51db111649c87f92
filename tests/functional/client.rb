# What Ruby's AWS SDK makes of a key server: the endpoint is its argument, credentials and region come from the environment.
require 'aws-sdk-kms'

kms = Aws::KMS::Client.new(endpoint: ARGV.fetch(0), retry_limit: 0)
context = { 'model_name' => 'User', 'model_id' => '7' }

key = kms.create_key(description: 'made by Ruby').key_metadata
kms.create_alias(alias_name: 'alias/ruby', target_key_id: key.key_id)
made = kms.generate_data_key(key_id: 'alias/ruby', key_spec: 'AES_256', encryption_context: context)
opened = kms.decrypt(ciphertext_blob: made.ciphertext_blob, encryption_context: context)
abort 'another key came back' unless opened.plaintext == made.plaintext && opened.key_id == key.arn

begin
  kms.decrypt(ciphertext_blob: made.ciphertext_blob, encryption_context: { 'model_name' => 'User', 'model_id' => '8' })
  abort 'another context was enough'
rescue Aws::KMS::Errors::InvalidCiphertextException
  kms.disable_key(key_id: key.key_id)
end
begin
  kms.encrypt(key_id: key.key_id, plaintext: 'x')
  abort 'a disabled key was used'
rescue Aws::KMS::Errors::DisabledException => e
  puts e.message
end
puts kms.list_aliases.aliases.map(&:alias_name)

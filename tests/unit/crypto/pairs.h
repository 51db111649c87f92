/*
 * pairs.h - key pairs for tests, one of each spec: new where making one takes no time, else a kept one; and the key of RSA that vectors are for.
 */
#ifndef TEST_CRYPTO_PAIRS_H
#define TEST_CRYPTO_PAIRS_H

#include "known.h"

#include "base/text.h"
#include "crypto/pkey.h"
#include "rsa_keys.h"

static bulla_error err;
static bulla_pkey *made[BULLA_SPEC_COUNT];

static inline void must(bulla_code code, const char *what)
{
	if (code) fail_msg("%s: %s: %s", what, bulla_code_name(code), err.text);
}

static inline bool is_pair(bulla_spec spec)
{
	return spec >= BULLA_SPEC_RSA_2048 && spec <= BULLA_SPEC_ECC_NIST_EDWARDS25519;
}

static inline bulla_buf unhex_long(const char *hex)
{
	bulla_buf out = { 0 };
	assert_int_equal(bulla_hex_decode(bulla_view_str(hex), &out, NULL), BULLA_OK);
	return out;
}

static inline bulla_pkey *kept_pair(bulla_spec spec, const char *hex)
{
	BULLA_BUF_AUTO bulla_buf der = unhex_long(hex);
	bulla_pkey *out;
	must(bulla_pkey_read_private(spec, bulla_view_buf(&der), &out, &err), "a kept key");
	return out;
}

static inline const bulla_pkey *pair_of(bulla_spec spec)
{
	static const char *const kept[BULLA_SPEC_COUNT] = { [BULLA_SPEC_RSA_3072] = RSA_3072, [BULLA_SPEC_RSA_4096] = RSA_4096 };
	if (!made[spec] && kept[spec]) made[spec] = kept_pair(spec, kept[spec]);
	if (!made[spec]) must(bulla_pkey_generate(spec, &made[spec], &err), bulla_spec_about(spec)->name);
	return made[spec];
}

static inline int pairs_free(void **state)
{
	(void)state;
	for (size_t i = 0; i < BULLA_SPEC_COUNT; i++) {
		bulla_pkey_free(made[i]);
		made[i] = NULL;
	}
	return 0;
}

static inline bulla_buf written(const bulla_pkey *pkey, bool is_private)
{
	bulla_buf out = { 0 };
	must(is_private ? bulla_pkey_write_private(pkey, &out, &err) : bulla_pkey_write_public(pkey, &out, &err), "writing");
	return out;
}

/* The same pair without its private part. */
static inline bulla_pkey *public_of(const bulla_pkey *pkey)
{
	BULLA_BUF_AUTO bulla_buf der = written(pkey, false);
	bulla_pkey *out;
	must(bulla_pkey_read_public(bulla_pkey_spec(pkey), bulla_view_buf(&der), &out, &err), "reading a public key");
	return out;
}

/* The 2048-bit key of Wycheproof's vectors for RSA. */
#define WYCHEPROOF_RSA_2048                                                                                                      \
	"308204bd020100300d06092a864886f70d0101010500048204a7308204a30201000282010100a2b451a07d0aa5f96e455671513550514a8a5b46"   \
	"2ebef717094fa1fee82224e637f9746d3f7cafd31878d80325b6ef5a1700f65903b469429e89d6eac8845097b5ab393189db92512ed8a7711a12"   \
	"53facd20f79c15e8247f3d3e42e46e48c98e254a2fe9765313a03eff8f17e1a029397a1fa26a8dce26f490ed81299615d9814c22da610428e09c"   \
	"7d9658594266f5c021d0fceca08d945a12be82de4d1ece6b4c03145b5d3495d4ed5411eb878daf05fd7afc3e09ada0f1126422f590975a196981"   \
	"6f48698bcbba1b4d9cae79d460d8f9f85e7975005d9bc22c4e5ac0f7c1a45d12569a62807d3b9a02e5a530e773066f453d1f5b4c2e9cf7820283"   \
	"f742b9d502030100010282010024cdc62317f5d72a6f6ba6cc9632899b01d1ff28867d72f61688995bc855a4e420a8405250089bdb13cf8e0954"   \
	"3827b748b9d27fbb2b4d9e20af8c5a6a862796d1a4cc18ad16ea678bc1bd4a83bbbe9c5e57453b5ce7388e41a3ba4ce2b77b4438a229e954f720"   \
	"dae0353dc088ac8a76b26dc276f8e1b7851ddd6398ad16ff2e78195123b9b036e945c38c9d12434f6df76fe22359eb3e1ac9c011678fc926fad3"   \
	"ae475a4fffff55feb2d147e9c894f4c0e29a599e762462482d968bf42780945fc0d2c31c573c4431b8f4fe8b8c67bec815abd44f7a86edca1c23"   \
	"08737358d2c2ae5e2e0e2dadf730980262377e58b13b7d9992060a0bc870ccfdb4a9319ee102818100dc431050f782e894fb5248247d98cb7d58"   \
	"b8d1e24f3b55d041c56e4de086b0d5bb028bda42eeb5d234d5681e5809d415e6a289ad4cfbf78f978f6c35814f50eebff1c5b80a69f788e81e6b"   \
	"ab5ddaa78369d659d143ec6f17e79813a575cfad9c569156b90113e2e9110ad9e7b48a1c9348a6e653321191290ea36cfb3a5b18f102818100bd"   \
	"1a81e7977f9898122273ae3222b598ea5fb19eb4eabc38308a5e32196603b2e500ffb79f5b886816611debc472fac45544070beb057c941378a6"   \
	"868af3b7a03d3f9880ec47d5e089b94fbde542aba9ae8d72c57088d7abf5b131f39098f7bc160f90536abc9492fd4e06f3ed7299d4b97bb03677"   \
	"207d95669f140cfbc20f2502818100a94b528b28f291599121d91952ffd1c7f21d7c1479d99d478885fb161870ee1218bf08472612dbe5497e8d"   \
	"9c650688e09c786961ae3e2c354dc48ae34514759c4c23c4588488961dc06b414e61c0e1e7fbbd2923d31532fe289f96da220711e58c14019808"   \
	"e00414276933bb07e4efb9b4a9b37656917205209f33f09515d7c10281803af0e72a933aef09ff2503df78bafed531c02ff1a2bc437c540cdcbd"   \
	"4ad35435cf511763596543480629b114ca7f780ff7efa32ea0cb6e000d6d9ea1f2ef71fd9cf9948422a165557e37e755edfe70d90b920502eb47"   \
	"8bc98a63f788ce3a0f856d6ede7251a383bfa8fa480a81a925af7b3cc538c4bab8c9f7597ffb68011d8d0281802640fbfbcfefb163ee7a87b648"   \
	"3a66ee41f956d90fa8a7939bfc042ee0924b1b7993d0445f758d51933e85179c0320b0c968b48a91c38b5be923e1097c0c562f88d42294b6a275"   \
	"9bafa5428a74f1270874e45f6fcc60f21602de5eccd143cf31241f5921b5ad3983fb54ef17be3b285367e50c999c67247b552fe4bfce945f7b"

static inline bulla_pkey *wycheproof_key(void)
{
	return kept_pair(BULLA_SPEC_RSA_2048, WYCHEPROOF_RSA_2048);
}

#endif

/*
 * bulla.h - everything of libbulla: field-level envelope encryption for the database you already have.
 */
#ifndef BULLA_H
#define BULLA_H

#include <bulla/batch.h>
#include <bulla/box.h>
#include <bulla/bytes.h>
#include <bulla/error.h>
#include <bulla/inspect.h>
#include <bulla/keyring.h>
#include <bulla/op.h>
#include <bulla/record.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0"; static. */
BULLA_API const char *bulla_version(void);

/* Which library does AES-GCM for keyrings that are opened now, "ipsec-mb" or "openssl": the one that $BULLA_CRYPTO names, else the
 * fastest that is there. Static. CONFIG when it names one that is not there. */
BULLA_API BULLA_MUST bulla_code bulla_crypto_backend(const char **ret, bulla_error *err);

#ifdef __cplusplus
}
#endif
#endif

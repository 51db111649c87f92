/*
 * random.c - the buffer of random bytes that a lane draws from.
 */
#include "crypto/random.h"

#include <limits.h>
#include <openssl/rand.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/fail.h"

_Static_assert(sizeof(bulla_random_page) == BULLA_RANDOM_PAGE, "the advice to the kernel is given for whole pages");

bulla_code bulla_random_init(bulla_random_source *source, bulla_error *err)
{
	void *page = mmap(NULL, BULLA_RANDOM_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED) return bulla_fail_memory(err);
	(void)madvise(page, BULLA_RANDOM_PAGE, MADV_DONTDUMP); /* `doctor` tells whether core files are off */
	*source = (bulla_random_source){
		.page = page,
		.wiped_on_fork = madvise(page, BULLA_RANDOM_PAGE, MADV_WIPEONFORK) == 0,
		.owner = getpid(),
	};
	return BULLA_OK;
}

void bulla_random_done(bulla_random_source *source)
{
	if (source->page) {
		bulla_wipe(source->page, BULLA_RANDOM_PAGE);
		munmap(source->page, BULLA_RANDOM_PAGE);
	}
	*source = (bulla_random_source){ 0 };
}

/* RAND_bytes takes an int. */
static bulla_code generate(uint8_t *out, size_t n, bulla_error *err)
{
	for (size_t done = 0; done < n;) {
		size_t part = n - done < INT_MAX ? n - done : INT_MAX;
		if (RAND_bytes(out + done, (int)part) != 1) {
			bulla_wipe(out, n);
			return bulla_crypto_fail(err, "drawing random bytes");
		}
		done += part;
	}
	return BULLA_OK;
}

static bulla_code refill(bulla_random_page *page, bulla_error *err)
{
	TRY(generate(page->bytes, BULLA_RANDOM_BYTES, err));
	page->left = BULLA_RANDOM_BYTES;
	return BULLA_OK;
}

static void forget_parent(bulla_random_source *source)
{
	pid_t self = getpid();

	if (source->owner == self) return;
	bulla_wipe(source->page, BULLA_RANDOM_PAGE);
	source->owner = self;
}

bulla_code bulla_random_draw(bulla_random_source *source, uint8_t *out, size_t n, bulla_error *err)
{
	bulla_random_page *page = source->page;

	if (!source->wiped_on_fork) forget_parent(source);
	if (n > BULLA_RANDOM_BYTES) return generate(out, n, err);
	for (size_t done = 0; done < n;) {
		bulla_code code = page->left ? BULLA_OK : refill(page, err);
		if (code != BULLA_OK) {
			bulla_wipe(out, n);
			return code;
		}
		size_t part = n - done < page->left ? n - done : page->left;
		uint8_t *from = page->bytes + (BULLA_RANDOM_BYTES - page->left);
		memcpy(out + done, from, part);
		bulla_wipe(from, part);
		page->left -= part;
		done += part;
	}
	return BULLA_OK;
}

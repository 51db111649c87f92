/*
 * faults.c - one counter below every allocator that can be reached.
 */
#include "faults.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static atomic_long left = -1; /* allocations that still succeed; negative: all */
static atomic_bool stays, fired;
static sqlite3_mem_methods sqlite_own;

static bool refused(void)
{
	if (atomic_load(&left) < 0) return false;
	long before = atomic_fetch_sub(&left, 1);
	if (before > 0) return false;
	if (before < 0 && !atomic_load(&stays)) return false;
	if (atomic_load(&stays)) atomic_store(&left, 0);
	atomic_store(&fired, true);
	errno = ENOMEM;
	return true;
}

void faults_arm(long number, bool lasting)
{
	atomic_store(&fired, false);
	atomic_store(&stays, lasting);
	atomic_store(&left, number);
}

bool faults_disarm(void)
{
	atomic_store(&left, -1);
	return atomic_load(&fired);
}

/* --- our own --------------------------------------------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
char *__wrap_strndup(const char *text, size_t n);
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
int __real_vasprintf(char **out, const char *format, va_list args);
int __wrap_vasprintf(char **out, const char *format, va_list args);
int __wrap_asprintf(char **out, const char *format, ...);

void *__wrap_malloc(size_t size)
{
	return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return refused() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return refused() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t n)
{
	return refused() ? NULL : __real_strndup(text, n);
}

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	return refused() ? MAP_FAILED : __real_mmap(at, len, prot, flags, fd, offset);
}

int __wrap_vasprintf(char **out, const char *format, va_list args)
{
	return refused() ? -1 : __real_vasprintf(out, format, args);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = __wrap_vasprintf(out, format, args);
	va_end(args);
	return n;
}

/* --- the libraries' -------------------------------------------------------------------------------------------- */

static void *sqlite_malloc(int size)
{
	return refused() ? NULL : sqlite_own.xMalloc(size);
}

static void *sqlite_realloc(void *old, int size)
{
	return refused() ? NULL : sqlite_own.xRealloc(old, size);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return refused() ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return refused() ? NULL : __real_realloc(old, size);
}

static void openssl_free(void *old, const char *file, int line)
{
	(void)file, (void)line;
	free(old);
}

static void *jansson_malloc(size_t size)
{
	return refused() ? NULL : __real_malloc(size);
}

void faults_install(void)
{
	sqlite3_mem_methods ours;
	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_own) != SQLITE_OK) abort();
	ours = sqlite_own;
	ours.xMalloc = sqlite_malloc;
	ours.xRealloc = sqlite_realloc;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK) abort();
	if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1) abort();
	json_set_alloc_funcs(jansson_malloc, free);
}

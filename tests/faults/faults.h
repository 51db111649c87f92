/*
 * faults.h - allocations that fail on purpose: those of our own code (linked with --wrap), of SQLite, jansson and OpenSSL, and mappings.
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* Before anything else in main(): puts the counting allocator under the libraries. */
void faults_install(void);

/* From now on the allocation with that number (0: the next one) fails, and all that follow where `lasting`. Any thread's counts. */
void faults_arm(long number, bool lasting);
/* No more; true when one has failed. */
bool faults_disarm(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of mseal(2) whose cases are processes of their own, because a seal
 * stays until its process ends and because a case may crash: how to run a case,
 * report it and skip it.
 */
#ifndef MSEAL_CASE_H
#define MSEAL_CASE_H

#include "kselftest.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "mseal_attr.h"
#include "mseal_uffd.h"

#define CASE_TIMEOUT	120		/* seconds; nothing here takes ten */
#define EVENT_TIMEOUT	(60 * 1000)	/* milliseconds */
#define REASON_SIZE	160

extern char *skip_reason;

void *init_cases(size_t len);
pid_t start_case(int (*run)(const void *arg), const void *arg);
void __printf(1, 2) note(const char *fmt, ...);
int end_case(pid_t pid);

/**
 * report_case - report the result of a case
 * @name: of the case
 * @code: of end_case()
 */
static inline void report_case(const char *name, int code)
{
	if (code == KSFT_SKIP)
		ksft_test_result_code(code, name, "%s", skip_reason);
	else
		ksft_test_result_code(code == KSFT_PASS ? code : KSFT_FAIL, name, NULL);
}

void __noreturn __printf(1, 2) skip(const char *fmt, ...);
void need(bool ok, const char *what);
bool is_missing(int err);
int open_uffd(int flags, uint64_t features, const char *what);
int new_uffd(uint64_t features, const char *what);
void seal_range(const char *at, size_t len, unsigned long flags);

#endif

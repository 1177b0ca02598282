/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * userfaultfd for the tests of mseal(2). A call returns 0 or an error number.
 */
#ifndef MSEAL_UFFD_H
#define MSEAL_UFFD_H

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int uffd_open(int flags, uint64_t features);
int uffd_register_mode(int uffd, const void *at, size_t len, uint64_t mode);
int uffd_copy(int uffd, const void *to, const void *from, size_t len);
int uffd_zeropage(int uffd, const void *at, size_t len);
int uffd_continue(int uffd, const void *at, size_t len);
int uffd_poison(int uffd, const void *at, size_t len);
int uffd_move(int uffd, const void *to, const void *from, size_t len);
int uffd_writeprotect(int uffd, const void *at, size_t len, bool protect);
int uffd_rwprotect(int uffd, const void *at, size_t len, bool protect);

#endif /* MSEAL_UFFD_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tests of tests/attr_model.c, as a target of libFuzzer: clang with
 * -fsanitize=fuzzer,address,undefined takes this in the place of main.c.
 */

/* libFuzzer has one of its own. */
#define main unused_main
#include "main.c"
#undef main

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	maple_tree_init();
	vma_state_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	if (!check_sequence(data, size))
		abort();
	return 0;
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# All of mseal_sysmap_test but the tests that lock the sysctl until reboot.

cd "$(dirname "$0")" && exec ./mseal_sysmap_test -F locked

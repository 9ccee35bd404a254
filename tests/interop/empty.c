/* SPDX-License-Identifier: Apache-2.0 */
/* What any C program costs. */
int main(void)
{
    return 0;
}

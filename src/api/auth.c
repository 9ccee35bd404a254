/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts and tokens. */
#include "api/private.h"

#include "core/error.h"

static hf_status enter(hf_client *client, const void *out, hf_error *err)
{
    hf_status st = hf__api_enter(client, err);

    return st == HF_OK && !out ? hf__fail(err, HF_ERR_INVALID_ARG, "out is NULL") : st;
}

hf_status hf_whoami(hf_client *client, const char *token, hf_cancel *cancel, hf_user **out,
                    hf_error *err)
{
    hf_status st = enter(client, out, err);

    return st == HF_OK ? hf__hub_whoami(client->hub, token, cancel, out, err) : st;
}

void hf_user_free(hf_user *user)
{
    hf__hub_user_free(user);
}

hf_status hf_auth_login(hf_client *client, const char *token, hf_cancel *cancel, hf_login **out,
                        hf_error *err)
{
    hf_status st = enter(client, out, err);

    if (st == HF_OK && !token)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "token is NULL");
    return st == HF_OK ? hf__hub_login(client->hub, token, cancel, out, err) : st;
}

void hf_login_free(hf_login *login)
{
    hf__hub_login_free(login);
}

hf_status hf_auth_logout(hf_client *client, const char *name, uint32_t *removed, hf_error *err)
{
    uint32_t gone = 0;
    hf_status st = hf__api_enter(client, err);

    if (st == HF_OK)
        st = hf__hub_logout(client->hub, name, &gone, err);
    if (st == HF_OK && removed)
        *removed = gone;
    return st;
}

hf_status hf_auth_switch(hf_client *client, const char *name, hf_error *err)
{
    hf_status st = enter(client, name, err);

    return st == HF_OK ? hf__hub_switch(client->hub, name, err) : st;
}

hf_status hf_auth_list(hf_client *client, hf_token_list **out, hf_error *err)
{
    hf_status st = enter(client, out, err);

    return st == HF_OK ? hf__hub_token_list(client->hub, out, err) : st;
}

void hf_token_list_free(hf_token_list *list)
{
    hf__hub_token_list_free(list);
}

hf_status hf_auth_token(hf_client *client, const char *name, char **out, hf_error *err)
{
    hf_status st = enter(client, out, err);

    return st == HF_OK ? hf__hub_token_get(client->hub, name, out, err) : st;
}

hf_status hf_auth_device_start(hf_client *client, hf_cancel *cancel, hf_device **out, hf_error *err)
{
    hf_status st = enter(client, out, err);

    return st == HF_OK ? hf__hub_device_start(client->hub, cancel, out, err) : st;
}

hf_status hf_auth_device_wait(hf_client *client, hf_device *device, hf_device_fn *on_pending,
                              void *user, hf_cancel *cancel, hf_login **out, hf_error *err)
{
    hf_status st = enter(client, out, err);

    if (st == HF_OK && !device)
        st = hf__fail(err, HF_ERR_INVALID_ARG, "device is NULL");
    return st == HF_OK
               ? hf__hub_device_wait(client->hub, device, on_pending, user, cancel, out, err)
               : st;
}

void hf_device_free(hf_device *device)
{
    hf__hub_device_free(device);
}

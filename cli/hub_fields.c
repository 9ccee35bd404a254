/* SPDX-License-Identifier: Apache-2.0 */
/* Members of the Hub's records in the order and under the names of Python's client. */
#include "cmd_hub.h"

#define SAME(name)                                                                                 \
    {                                                                                              \
        name, name                                                                                 \
    }

static const cli_field model_fields[] = {
    SAME("id"),
    SAME("author"),
    { "baseModels", "base_models" },
    { "cardData", "card_data" },
    { "childrenModelCount", "children_model_count" },
    SAME("config"),
    { "createdAt", "created_at" },
    SAME("disabled"),
    SAME("downloads"),
    { "downloadsAllTime", "downloads_all_time" },
    { "evalResults", "eval_results" },
    SAME("gated"),
    SAME("gguf"),
    SAME("inference"),
    { "inferenceProviderMapping", "inference_provider_mapping" },
    { "lastModified", "last_modified" },
    SAME("library_name"),
    SAME("likes"),
    SAME("mask_token"),
    { "model-index", "model_index" },
    SAME("pipeline_tag"),
    SAME("private"),
    { "resourceGroup", "resource_group" },
    SAME("safetensors"),
    { "securityRepoStatus", "security_repo_status" },
    SAME("sha"),
    SAME("siblings"),
    SAME("spaces"),
    SAME("tags"),
    { "transformersInfo", "transformers_info" },
    { "trendingScore", "trending_score" },
    { "usedStorage", "used_storage" },
    { "widgetData", "widget_data" },
    { NULL, NULL },
};

static const cli_field dataset_fields[] = {
    SAME("id"),
    SAME("author"),
    { "cardData", "card_data" },
    SAME("citation"),
    { "createdAt", "created_at" },
    SAME("description"),
    SAME("disabled"),
    SAME("downloads"),
    { "downloadsAllTime", "downloads_all_time" },
    SAME("gated"),
    { "lastModified", "last_modified" },
    SAME("likes"),
    { "mainSize", "main_size" },
    SAME("paperswithcode_id"),
    SAME("private"),
    { "resourceGroup", "resource_group" },
    SAME("sha"),
    SAME("siblings"),
    SAME("tags"),
    { "trendingScore", "trending_score" },
    { "usedStorage", "used_storage" },
    { NULL, NULL },
};

static const cli_field space_fields[] = {
    SAME("id"),
    SAME("author"),
    { "cardData", "card_data" },
    { "createdAt", "created_at" },
    SAME("datasets"),
    SAME("disabled"),
    SAME("gated"),
    SAME("host"),
    { "lastModified", "last_modified" },
    SAME("likes"),
    SAME("models"),
    SAME("private"),
    SAME("region"),
    { "resourceGroup", "resource_group" },
    SAME("runtime"),
    SAME("sdk"),
    SAME("sha"),
    SAME("siblings"),
    SAME("subdomain"),
    SAME("tags"),
    { "trendingScore", "trending_score" },
    { "usedStorage", "used_storage" },
    { NULL, NULL },
};

const cli_field *const cli_repo_fields[3] = { model_fields, dataset_fields, space_fields };

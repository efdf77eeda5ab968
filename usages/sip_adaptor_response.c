/* sip_adaptor_response.c: what the branches' answers become for the one who asked.
 *
 * RFC 3261 16.7, 16.10. SPDX-License-Identifier: BSD-2-Clause */
#include "usages/sip_adaptor_state.h"

/* Lower is better: success, then what all phones would say (6xx), then what the caller can mend,
 * redirections, other failures; those that only say that nobody was there come last in their
 * class. */
static int
rank(int status)
{
    static const int classes[] = {9, 9, 0, 3, 2, 4, 1};
    bool is_weak = status == 408 || status == 480 || status == 487 || status == 503;
    return classes[status / 100] * 2 + (is_weak ? 1 : 0);
}

static void
cancel_branches(struct sip_transaction *transaction, reload_time now)
{
    for (size_t i = 0; i < transaction->branch_count; i++)
        sip_branch_cancel(transaction->branches[i], now);
}

/* Once all branches have ended, the best answer is given. */
void
sip_response_decide(struct sip_transaction *transaction, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    if (transaction->state != SIP_TRANSACTION_PROCEEDING || transaction->lookup ||
        transaction->starting)
        return;
    for (size_t i = 0; i < transaction->branch_count; i++)
        if (transaction->branches[i]->state != SIP_BRANCH_COMPLETED)
            return;
    if (transaction->is_ack) {
        sip_transaction_finish(transaction, now);
        return;
    }
    int status = transaction->best_status ? transaction->best_status : 480;
    struct sip_message *response = transaction->best;
    transaction->best = NULL;
    if (transaction->cancelled && status != 487) {
        sip_message_free(response);
        response = NULL;
        status = 487;
    }
    /* Nobody else may be asked by the one who gets a 503 from us (16.7 step 6). */
    if (status == 503) {
        sip_message_free(response);
        response = NULL;
        status = 500;
    }
    if (status == 480 && !response)
        adaptor->counters.unreachable++;
    sip_transaction_answer(transaction, status, response, now);
}

static void
keep_best(struct sip_transaction *transaction, int status, struct sip_message *response)
{
    if (transaction->best_status && rank(transaction->best_status) <= rank(status)) {
        sip_message_free(response);
        return;
    }
    sip_message_free(transaction->best);
    transaction->best = response;
    transaction->best_status = status;
}

/* |branch| got |response|, or ended with |status| by itself. Our own Via goes. */
void
sip_response_take(struct sip_branch *branch, int status, struct sip_message *response,
                  reload_time now)
{
    struct sip_transaction *transaction = branch->transaction;
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    sip_media_response(branch, status, response, now);
    if (response) {
        sip_message_pop_via(response);
        adaptor->counters.responses_forwarded += status > 100;
        /* It has to lead on to somebody. */
        if (osip_list_size(&response->head->vias) == 0) {
            sip_message_free(response);
            response = NULL;
            status = status >= 200 ? 502 : 100;
        }
    }
    if (status <= 100) {
        sip_message_free(response);
    } else if (status < 200) {
        sip_transaction_answer(transaction, status, response, now);
    } else if (status < 300) {
        if (transaction->is_invite && transaction->state == SIP_TRANSACTION_PROCEEDING)
            adaptor->counters.calls_answered++;
        sip_transaction_answer(transaction, status, response, now);
        cancel_branches(transaction, now);
    } else {
        keep_best(transaction, status, response);
        if (status >= 600)
            cancel_branches(transaction, now);
        sip_response_decide(transaction, now);
    }
}

/* CANCEL came (16.10). */
void
sip_transaction_cancel(struct sip_transaction *transaction, reload_time now)
{
    struct reload_sip_adaptor *adaptor = transaction->adaptor;
    if (!transaction->is_invite || transaction->state != SIP_TRANSACTION_PROCEEDING)
        return;
    transaction->cancelled = true;
    adaptor->ops->lookup_cancel(adaptor->overlay, transaction->lookup);
    transaction->lookup = 0;
    cancel_branches(transaction, now);
    sip_response_decide(transaction, now);
}

from holdfast.targeting.dictionary import LIST_COLUMNS, data_dictionary

CONTRACT = """
    list_id, rank, customer_id, cutoff, p_churn, p_loyal, history_state, clv, loss_if_silent, profit_at_risk,
    exit_reason, reason_source, reason_prob, reason_1, reason_2, reason_3, planned_offer, channel, cost,
    expected_uplift, effect_source, expected_profit, profit_low, profit_high, arm, suppressed_because, consent_basis,
    last_contact_at, contacts_30d, open_complaint, owner, act_before, valid_until, is_new_on_list, model_version,
    run_id
""".replace(",", " ").split()


def test_every_column_of_the_contract_has_a_meaning_and_a_unit():
    assert list(LIST_COLUMNS) == CONTRACT
    dictionary = data_dictionary()
    assert dictionary["column"].tolist() == CONTRACT
    assert (dictionary[["meaning", "unit"]].map(len) > 3).all(axis=None)

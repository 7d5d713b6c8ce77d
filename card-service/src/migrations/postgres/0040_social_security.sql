-- Social security: employers, whom they insure, what they have declared for them, and what they have paid.
CREATE TABLE employer (
    organisation_id BYTEA  NOT NULL PRIMARY KEY REFERENCES organisation (organisation_id),
    risk            BIGINT NOT NULL,               -- the class of risk, counted up from 1
    staff_id        BYTEA  NOT NULL,               -- who changed it last
    leaf            BIGINT NOT NULL                -- leaf_id in shard 0
);

-- Who is insured through whom. Months are the days, since 1970, with which they begin.
CREATE TABLE employment (
    shard           BIGINT NOT NULL,
    holder_id       BYTEA  NOT NULL,
    organisation_id BYTEA  NOT NULL,
    from_month      BIGINT NOT NULL,
    until_month     BIGINT,                        -- the last; null while no end is known
    household       TEXT   NOT NULL,               -- a word of a list
    number_mark     BYTEA  NOT NULL,               -- keyed hash of employer and number: a row of its files is found by it
    name_mark       BYTEA  NOT NULL,               -- keyed hash of employer and name
    staff_id        BYTEA  NOT NULL,               -- who changed it last
    at              BIGINT NOT NULL,
    leaf            BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id, organisation_id, from_month)
);
CREATE INDEX employment_by_employer ON employment (organisation_id, number_mark);

-- What an employer has declared for a month. A correction is a declaration of its own.
CREATE TABLE declaration (
    declaration_id  BYTEA  NOT NULL PRIMARY KEY,   -- random
    organisation_id BYTEA  NOT NULL,
    month           BIGINT NOT NULL,
    corrects        BIGINT NOT NULL,               -- 1: it says otherwise what was declared before
    people          BIGINT NOT NULL,
    wages           BIGINT NOT NULL,               -- fen
    due             BIGINT NOT NULL,               -- fen; below zero where a correction gives back
    filed_at        BIGINT NOT NULL,
    staff_id        BYTEA  NOT NULL,               -- who filed it
    paid_at         BIGINT,                        -- when the employer's credit covered it
    posted          BIGINT NOT NULL,               -- 1: all of it is in the books
    leaf            BIGINT NOT NULL
);
CREATE INDEX declaration_by_employer ON declaration (organisation_id, month);
CREATE INDEX declaration_not_posted ON declaration (posted, filed_at);

-- What of a declaration is of whom, in fen.
CREATE TABLE contribution (
    shard           BIGINT NOT NULL,
    holder_id       BYTEA  NOT NULL,
    month           BIGINT NOT NULL,
    organisation_id BYTEA  NOT NULL,
    declaration_id  BYTEA  NOT NULL,
    wage            BIGINT NOT NULL,
    risk            BIGINT NOT NULL,               -- the class of risk by which it is reckoned
    employer        BIGINT NOT NULL,               -- what the employer pays
    person          BIGINT NOT NULL,               -- what is kept of the wage
    pension         BIGINT NOT NULL,               -- both together, by insurance
    medical         BIGINT NOT NULL,
    unemployment    BIGINT NOT NULL,
    work_injury     BIGINT NOT NULL,
    maternity       BIGINT NOT NULL,
    pension_account BIGINT NOT NULL,               -- what of it is the person's own
    medical_account BIGINT NOT NULL,
    corrects        BYTEA,                          -- the declaration that said otherwise before
    leaf            BIGINT NOT NULL,
    PRIMARY KEY (shard, holder_id, month, organisation_id, declaration_id)
);
CREATE INDEX contribution_by_declaration ON contribution (declaration_id, shard);

-- What has arrived at the bank, as its statements list it.
CREATE TABLE contribution_receipt (
    number          TEXT   NOT NULL PRIMARY KEY,   -- the bank's
    day             BIGINT NOT NULL,
    amount          BIGINT NOT NULL,               -- fen
    payer           TEXT   NOT NULL,
    remark          TEXT   NOT NULL,
    organisation_id BYTEA,                          -- whose it is; null while nobody has said
    staff_id        BYTEA  NOT NULL,               -- who said so last
    at              BIGINT NOT NULL,
    leaf            BIGINT NOT NULL
);
CREATE INDEX contribution_receipt_by_employer ON contribution_receipt (organisation_id, day);

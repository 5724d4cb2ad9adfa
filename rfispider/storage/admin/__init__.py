"""Operations on a whole archive: migrations, and roles."""

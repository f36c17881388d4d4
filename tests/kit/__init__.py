"""What tests share: clients, launchers, builders."""

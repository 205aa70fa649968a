"""What a stack has in AWS. Imported only where its settings have `aws`, but for `stacks.aws.names`."""
